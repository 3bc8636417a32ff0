"""What a search teaches."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.finding import Severity
from trainwell.search.results import all_diverged, best_at_edge, confidence_interval, importance, welch_test
from trainwell.search.trials.read_space import make_space
from trainwell.search.trials.trial import Trial, ValidationScores

RATE, DROPOUT = "optim.learning_rate", "nn.dropout"
SPACE = make_space({RATE: "log:1e-4..1", DROPOUT: "0..0.5"})


def done(number: int, settings, score: float) -> Trial:
    return Trial(number, settings, state="done", validation=ValidationScores(score, {"loss": 1.0}))


def trials(count: int = 60) -> list[Trial]:
    """Only the rate matters; the largest ones diverge."""
    found = []
    for number, shares in enumerate(np.random.default_rng(0).random((count, 2))):
        point = SPACE.at(shares.tolist())
        if shares[0] > 0.9:
            found.append(Trial(number, point, state="diverged", reason="x"))
        else:
            found.append(done(number, point, 1 - (shares[0] - 0.5) ** 2))
    return found


def test_the_setting_that_matters_comes_first() -> None:
    shares = importance(trials(), SPACE)
    assert list(shares) == [RATE, DROPOUT] and shares[RATE] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_no_ranking_is_made_of_nothing() -> None:
    assert importance(trials(5), SPACE) == {}
    equal = [done(n, {RATE: 0.1, DROPOUT: 0.1}, 0.5) for n in range(20)]
    assert importance(equal, SPACE) == {}
    assert importance([Trial(n, {RATE: 0.1}, state="diverged") for n in range(20)], SPACE) == {}


@pytest.mark.parametrize("count", [20, 64, 300])
def test_noise_is_ascribed_to_no_setting(count: int) -> None:
    generator = np.random.default_rng(1)
    drawn = [done(number, SPACE.at(generator.random(2).tolist()), float(generator.normal())) for number in range(count)]
    assert importance(drawn, SPACE) == {}


@pytest.mark.parametrize(
    ("point", "where"),
    [
        ({RATE: 0.9, DROPOUT: 0.2}, (RATE,)),
        ({RATE: 1.1e-4, DROPOUT: 0.499}, (RATE, DROPOUT)),
        ({RATE: 0.01, DROPOUT: 0.0}, ()),  # nothing lies below 0
        ({RATE: 0.01}, ()),
    ],
)
def test_a_best_at_the_edge_is_a_warning(point, where) -> None:
    found = best_at_edge(done(0, point, 0.9), SPACE)
    assert (found.where if found else ()) == where
    if found:
        assert (
            found.severity is Severity.WARNING
            and "widen" in found.title
            and found.evidence[where[0]] == point[where[0]]
        )
        hardly = best_at_edge(done(0, point, 0.9), SPACE, importances=dict.fromkeys(where, 0.01))
        assert hardly and hardly.severity is Severity.INFO and "hardly a difference" in hardly.title
        untold = best_at_edge(done(0, point, 0.9), SPACE, importances={})
        assert untold and untold.severity is Severity.INFO and "do not tell" in untold.title


def test_all_diverged_names_the_smallest_rate() -> None:
    found = all_diverged([Trial(n, {RATE: rate}, state="diverged") for n, rate in enumerate((0.5, 10.0))], SPACE)
    assert "All 2 trials" in found.title and "0.5" in found.title and found.evidence["smallest_learning_rate"] == 0.5


def test_an_interval_covers_the_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        found = confidence_interval(generator.normal(0.9, 0.02, size=5).tolist())
        inside += found["low"] <= 0.9 <= found["high"]
    assert 0.92 <= inside / 400 <= 0.98


def test_noise_is_no_difference() -> None:
    assert not welch_test([0.90, 0.92, 0.91], [0.91, 0.90, 0.92])["really"]
    assert welch_test([0.95, 0.96, 0.95], [0.90, 0.91, 0.90])["really"]
    assert not welch_test([0.5, 0.5], [0.5, 0.5])["really"]
    assert welch_test([0.6, 0.6], [0.5, 0.5])["really"]
