"""A network's cost is a table of its layers, and sentences on memory and time."""

from __future__ import annotations

import dataclasses

import pytest

from trainwell.inspect import cost_sheet, find_subject
from trainwell.report.text.cost import cost_text


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    subject = find_subject("lenet5", input_shape=(), classes=0, runs=tmp_path_factory.mktemp("runs"))
    return cost_sheet(subject, batch_size=32, examples=1000)


def test_a_row_for_each_layer_and_their_total(sheet) -> None:
    lines = cost_text(sheet).splitlines()
    assert lines[0].split()[:3] == ["layer", "kind", "output"]
    (total,) = [line for line in lines if line.startswith("total")]
    assert total.split()[1] == f"{sheet.parameters:,}"
    assert len(lines[: lines.index(total)]) == len(sheet.table) + 1


def test_memory_and_time_are_sentences(sheet) -> None:
    text = cost_text(dataclasses.replace(sheet, free=0))
    assert "Training with adamw in float32, batch 32:" in text
    assert "not a single example fits." in text
    assert "An epoch of 1,000 examples takes" in text
