"""Advice from similarity, amount of data and short trials, computed, not asked (docs/curriculum.md, P2)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.doctor.experiments.advice import advise

FROZEN, ALL, SCRATCH = "--freeze features", "", "from scratch"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tw.fit("digits", epochs=4, runs=tmp_path_factory.mktemp("runs"), name="base")


def test_the_same_data_are_near_and_noise_is_far(base, tmp_path) -> None:
    edits = {"transfer.source": str(base.path)}
    near = advise("digits", edits, seconds=0)
    assert near.case.similar and near.case.name == "similar data, few examples" and near.source == str(base.path)
    assert near.probes["fc2"] > near.probes["input"] - 0.02
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "noise.npz", X=rng.integers(0, 256, (200, 8, 8), dtype=np.uint8), y=np.arange(200) % 2)
    far = advise(tmp_path / "noise.npz", edits, seconds=0)
    assert not far.case.similar
    assert far.case.distance > 10 * near.case.own_distance


def test_every_way_is_tried_on_the_same_parts(base) -> None:
    few = {"transfer.source": str(base.path), "data.test": 0.75, "transfer.labelled": 0.3, "train.epochs": 8}
    found = advise("digits", few, seconds=120)
    assert {way.options for way in found.trials.options} == {
        FROZEN,
        ALL,
        "--layers fc1",
        "--layers fc1 --freeze fc1",
        SCRATCH,
    }
    assert {way.settings["transfer.labelled"] for way in found.trials.options} == {
        0.3
    }  # of which none is given more labels
    assert all(len(way.scores) == 3 and way.mean > 0.2 for way in found.trials.options)
    assert 0 < found.trials.error < 0.1


def test_a_source_that_cannot_be_read_again_leaves_the_trials(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    source = tw.fit((x, (x[:, 0] > 0).astype(int)), epochs=2, runs=tmp_path)
    np.savez(tmp_path / "new.npz", X=x, y=(x[:, 1] > 0).astype(int))
    found = advise(tmp_path / "new.npz", {"transfer.source": str(source.path), "train.epochs": 2}, seconds=60)
    assert found.case.distance is None and found.case.options is None
    assert "given from Python" in found.notes[0]
    assert found.trials.options


def test_bad_requests_are_one_sentence() -> None:
    with pytest.raises(UsageError, match="Add --from RUN"):
        advise("digits", {})
