"""Advice from similarity and amount of data, computed, not asked (curriculum P2, P3)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.assemble import advise, open_run, probe_layers
from trainwell.assemble.advice import _case
from trainwell.core.errors import DataError, UsageError


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tw.fit("digits", epochs=8, runs=tmp_path_factory.mktemp("runs"), name="base")


@pytest.mark.parametrize(
    ("distance", "per_class", "best", "case", "freeze"),
    [
        (0.1, 50, "b", "similar data, few examples", "features"),
        (0.1, 5000, "b", "similar data, many examples", "none"),
        (0.9, 50, "a", "different data, few examples", "a"),
        (0.9, 50, "input", "different data, few examples", "none"),
        (0.9, 5000, "b", "different data, many examples", "none"),
    ],
)
def test_the_four_cases(distance, per_class, best, case, freeze) -> None:
    probes = dict.fromkeys(("input", "a", "b"), 0.5) | {best: 0.9}
    found = _case("runs/x", distance, 0.01, per_class, probes)
    assert (found.case, found.freeze) == (case, freeze)


def test_the_same_data_are_near_and_noise_is_far(base, tmp_path) -> None:
    edits = {"transfer.source": str(base.path)}
    near = advise("digits", edits)
    assert near.similar and near.source == str(base.path)
    assert near.probes["fc2"] > near.probes["input"] - 0.02
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "noise.npz", X=rng.integers(0, 256, (200, 8, 8), dtype=np.uint8), y=np.arange(200) % 2)
    far = advise(tmp_path / "noise.npz", edits)
    assert not far.similar
    assert far.distance > 10 * near.own_distance


def test_depths_are_scored_on_the_validation_split(base) -> None:
    found = probe_layers(open_run(base.path))
    assert list(found.accuracies) == ["input", "fc1", "fc2"]
    assert min(found.accuracies.values()) > 3 * found.chance
    assert found.split == "validation"


def test_bad_requests_are_one_sentence(base, tmp_path) -> None:
    with pytest.raises(UsageError, match="Add --from RUN"):
        advise("digits", {})
    with pytest.raises(DataError, match="must have classes"):
        probe_layers(open_run(tw.fit("diabetes", epochs=1, runs=tmp_path).path))
