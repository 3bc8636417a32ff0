"""Advice from similarity, amount of data and short trials, computed, not asked (docs/curriculum.md, P2)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.doctor.experiments.advice import Advice, TransferOption, advise, conclude

FROZEN, ALL, EARLY, SCRATCH = "--freeze features", "", "--layers a", "from scratch"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tw.fit("digits", epochs=4, runs=tmp_path_factory.mktemp("runs"), name="base")


def tried(**scores: float) -> tuple[TransferOption, ...]:
    names = {"frozen": FROZEN, "all": ALL, "early": EARLY, "scratch": SCRATCH}
    ways = [TransferOption(name, names[name], {}, (score,)) for name, score in scores.items()]
    return tuple(sorted(ways, key=lambda way: way.mean, reverse=True))


@pytest.mark.parametrize(
    ("table", "trials", "options", "says"),
    [
        (
            FROZEN,
            tried(frozen=0.64, all=0.73, scratch=0.68),
            ALL,
            "the recommendation of the table 0.640 (from scratch: 0.680)",
        ),
        (
            FROZEN,
            tried(frozen=0.70, all=0.73, scratch=0.68),
            FROZEN,
            "(from scratch: 0.680); the table recommends it, and the best is within",
        ),
        (EARLY, tried(early=0.6, scratch=0.9), SCRATCH, "train from scratch"),
        (None, tried(frozen=0.9, all=0.8), FROZEN, "0.900"),
        (None, (), ALL, "a good initialisation for most data"),
        (EARLY, (), EARLY, "by the four-case table"),
        (FROZEN, tried(frozen=-np.inf, all=0.5), ALL, "0.500"),
    ],
)
def test_what_was_tried_outweighs_the_table_by_more_than_noise(table, trials, options, says) -> None:
    found = conclude(Advice("runs/x", table=table, trials=trials, error=0.04))
    assert found.options == options
    assert says in found.recommendation


def test_features_that_know_less_than_earlier_layers_are_not_frozen_untried() -> None:
    probes = {"input": 0.6, "a": 0.8, "b": 0.7}
    assert conclude(Advice("runs/x", table=FROZEN, probes=probes)).options == ALL
    assert conclude(Advice("runs/x", table=FROZEN, probes=probes | {"b": 0.78})).freeze == "features"


def test_a_linear_classifier_that_beats_all_trials_says_that_they_overfit() -> None:
    trials = tried(early=0.76, scratch=0.78)
    for best, notes in ((0.88, 1), (0.83, 0)):
        found = conclude(Advice("runs/x", table=EARLY, trials=trials, error=0.03, probes={"input": 0.7, "conv2": best}))
        assert len(found.notes) == notes


def test_the_same_data_are_near_and_noise_is_far(base, tmp_path) -> None:
    edits = {"transfer.source": str(base.path)}
    near = advise("digits", edits, seconds=0)
    assert near.similar and near.case == "similar data, few examples" and near.source == str(base.path)
    assert near.probes["fc2"] > near.probes["input"] - 0.02
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "noise.npz", X=rng.integers(0, 256, (200, 8, 8), dtype=np.uint8), y=np.arange(200) % 2)
    far = advise(tmp_path / "noise.npz", edits, seconds=0)
    assert not far.similar
    assert far.distance > 10 * near.own_distance


def test_every_way_is_tried_on_the_same_parts(base) -> None:
    few = {"transfer.source": str(base.path), "data.test": 0.75, "transfer.labelled": 0.3, "train.epochs": 8}
    found = advise("digits", few, seconds=120)
    assert {way.options for way in found.trials} == {FROZEN, ALL, "--layers fc1", "--layers fc1 --freeze fc1", SCRATCH}
    assert {way.settings["transfer.labelled"] for way in found.trials} == {0.3}  # of which none is given more labels
    assert all(len(way.scores) == 3 and way.mean > 0.2 for way in found.trials)
    assert 0 < found.error < 0.1


def test_a_source_that_cannot_be_read_again_leaves_the_trials(tmp_path) -> None:
    x = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    source = tw.fit((x, (x[:, 0] > 0).astype(int)), epochs=2, runs=tmp_path)
    np.savez(tmp_path / "new.npz", X=x, y=(x[:, 1] > 0).astype(int))
    found = advise(tmp_path / "new.npz", {"transfer.source": str(source.path), "train.epochs": 2}, seconds=60)
    assert found.distance is None and found.table is None
    assert "given from Python" in found.notes[0]
    assert found.trials


def test_bad_requests_are_one_sentence() -> None:
    with pytest.raises(UsageError, match="Add --from RUN"):
        advise("digits", {})
