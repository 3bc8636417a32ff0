"""What was tried outweighs the four-case table by more than a standard error (docs/curriculum.md, P2)."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.doctor.experiments.recommendation import Advice, TransferCase, TransferOption, TransferTrials, conclude

FROZEN, ALL, EARLY, SCRATCH = "--freeze features", "", "--layers a", "from scratch"


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
    found = conclude(Advice("runs/x", TransferCase(options=table), trials=TransferTrials(trials, error=0.04)))
    assert found.recommended.options == options
    assert says in found.recommended.text


def test_features_that_know_less_than_earlier_layers_are_not_frozen_untried() -> None:
    probes = {"input": 0.6, "a": 0.8, "b": 0.7}
    case = TransferCase(options=FROZEN)
    assert conclude(Advice("runs/x", case, probes=probes)).recommended.options == ALL
    assert conclude(Advice("runs/x", case, probes=probes | {"b": 0.78})).recommended.freeze == "features"


def test_a_linear_classifier_that_beats_all_trials_says_that_they_overfit() -> None:
    trials = TransferTrials(tried(early=0.76, scratch=0.78), error=0.03)
    for best, notes in ((0.88, 1), (0.83, 0)):
        probes = {"input": 0.7, "conv2": best}
        found = conclude(Advice("runs/x", TransferCase(options=EARLY), probes=probes, trials=trials))
        assert len(found.notes) == notes


def test_json_is_flat_whatever_the_groups_are() -> None:
    trials = TransferTrials(tried(frozen=0.5), epochs=4, score_name="accuracy", error=0.1)
    plain = Advice("runs/x", TransferCase("similar data", distance=0.1, options=FROZEN), trials=trials).to_json()
    assert (plain["case"], plain["distance"], plain["table"], plain["epochs"]) == ("similar data", 0.1, FROZEN, 4)
    assert plain["trials"] == [{"name": "frozen", "options": FROZEN, "scores": [0.5]}]
    assert set(plain) == {
        *("source", "distance", "own_distance", "per_class", "similar", "much", "case", "table", "probes", "trials"),
        *("epochs", "score_name", "error", "options", "freeze", "layers", "recommendation", "notes"),
    }
