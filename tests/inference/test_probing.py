"""A linear classifier at every depth (docs/curriculum.md, P3)."""

from __future__ import annotations

import pytest

import trainwell as tw
from trainwell.core.errors import DataError
from trainwell.fitting import open_run
from trainwell.inference import probe_layers


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tw.fit("digits", epochs=8, runs=tmp_path_factory.mktemp("runs"), name="base")


def test_depths_are_scored_on_the_validation_split(base) -> None:
    found = probe_layers(open_run(base.path))
    assert list(found.accuracies) == ["input", "fc1", "fc2"]
    assert min(found.accuracies.values()) > 3 * found.chance
    assert found.split == "validation"


def test_numbers_have_no_linear_classifier(tmp_path) -> None:
    with pytest.raises(DataError, match="must have classes"):
        probe_layers(open_run(tw.fit("diabetes", epochs=1, runs=tmp_path).path))
