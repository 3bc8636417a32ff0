"""What the search loop needs of a pool, and that every pool has it."""

from __future__ import annotations

import inspect

import pytest

from trainwell.search.compute.pool import ShardedRunner, WorkerPool
from trainwell.search.compute.protocols import Pool, Runner
from trainwell.search.compute.runner import LocalPool, LocalRunner


@pytest.mark.parametrize(
    ("protocol", "made"),
    [(Runner, LocalRunner), (Runner, ShardedRunner), (Pool, LocalPool), (Pool, WorkerPool)],
    ids=lambda value: value.__name__,
)
def test_every_pool_and_runner_takes_the_arguments_of_its_protocol(protocol: type, made: type) -> None:
    for name, method in inspect.getmembers(protocol, inspect.isfunction):
        if not name.startswith("_"):
            assert list(inspect.signature(method).parameters) == list(inspect.signature(getattr(made, name)).parameters)
