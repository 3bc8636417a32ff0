"""What a search teaches."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.finding import Severity
from trainwell.search.results import all_diverged, edge, importance, interval, really_better
from trainwell.search.space import make_space
from trainwell.search.trial import Trial

RATE, DROPOUT = "optim.learning_rate", "nn.dropout"
SPACE = make_space({RATE: "log:1e-4..1", DROPOUT: "0..0.5"})


def trials(count: int = 60) -> list[Trial]:
    """Only the rate matters; the largest ones diverge."""
    found = []
    for number, shares in enumerate(np.random.default_rng(0).random((count, 2))):
        point = SPACE.at(shares.tolist())
        if shares[0] > 0.9:
            found.append(Trial(number, point, "diverged", reason="x"))
        else:
            found.append(Trial(number, point, "done", 1 - (shares[0] - 0.5) ** 2, {"loss": 0.1}))
    return found


def test_the_setting_that_matters_comes_first() -> None:
    shares = importance(trials(), SPACE)
    assert list(shares) == [RATE, DROPOUT] and shares[RATE] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_no_ranking_is_made_of_nothing() -> None:
    assert importance(trials(5), SPACE) == {}
    equal = [Trial(n, {RATE: 0.1, DROPOUT: 0.1}, "done", 0.5, {"loss": 1.0}) for n in range(20)]
    assert importance(equal, SPACE) == {}
    assert importance([Trial(n, {RATE: 0.1}, "diverged") for n in range(20)], SPACE) == {}


@pytest.mark.parametrize("count", [20, 64, 300])
def test_noise_is_ascribed_to_no_setting(count: int) -> None:
    generator = np.random.default_rng(1)
    drawn = [
        Trial(number, SPACE.at(generator.random(2).tolist()), "done", float(generator.normal()), {"loss": 1.0})
        for number in range(count)
    ]
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
    found = edge(Trial(0, point, "done", 0.9), SPACE)
    assert (found.where if found else ()) == where
    if found:
        assert (
            found.severity is Severity.WARNING
            and "widen" in found.title
            and found.evidence[where[0]] == point[where[0]]
        )
        hardly = edge(Trial(0, point, "done", 0.9), SPACE, dict.fromkeys(where, 0.01))
        assert hardly and hardly.severity is Severity.INFO and "hardly a difference" in hardly.title
        untold = edge(Trial(0, point, "done", 0.9), SPACE, {})
        assert untold and untold.severity is Severity.INFO and "do not tell" in untold.title


def test_all_diverged_names_the_smallest_rate() -> None:
    found = all_diverged([Trial(0, {RATE: 0.5}, "diverged"), Trial(1, {RATE: 10.0}, "diverged")], SPACE)
    assert "All 2 trials" in found.title and "0.5" in found.title and found.evidence["smallest_learning_rate"] == 0.5


def test_an_interval_covers_the_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(400):
        found = interval(generator.normal(0.9, 0.02, size=5).tolist())
        inside += found["low"] <= 0.9 <= found["high"]
    assert 0.92 <= inside / 400 <= 0.98


def test_noise_is_no_difference() -> None:
    assert not really_better([0.90, 0.92, 0.91], [0.91, 0.90, 0.92])["really"]
    assert really_better([0.95, 0.96, 0.95], [0.90, 0.91, 0.90])["really"]
    assert not really_better([0.5, 0.5], [0.5, 0.5])["really"]
    assert really_better([0.6, 0.6], [0.5, 0.5])["really"]
