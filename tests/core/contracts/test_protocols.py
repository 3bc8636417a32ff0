"""The rooms' own classes have the shapes that other rooms expect of them."""

from __future__ import annotations

import inspect

import pytest

from trainwell.core.contracts import protocols
from trainwell.data.batches import ArrayBatches, LoaderBatches
from trainwell.probes.catalogue import CHEAP, EXPENSIVE
from trainwell.runs import RunWriter


def names(protocol: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if name.islower() and name[0] != "_"}


@pytest.mark.parametrize("probe", [*CHEAP.values(), *EXPENSIVE.values()])
def test_every_probe_is_a_probe(probe) -> None:
    assert all(hasattr(probe(), member) for member in names(protocols.Probe))


@pytest.mark.parametrize("batches", [ArrayBatches, LoaderBatches])
def test_batches_are_batches(batches) -> None:
    assert hasattr(batches, "epoch") and hasattr(batches, "__len__")


def test_a_writer_records() -> None:
    assert all(hasattr(RunWriter, member) for member in names(protocols.Recorder))
