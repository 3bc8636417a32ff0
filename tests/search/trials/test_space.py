"""Ranges and choices: how they are sampled."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.search.trials.space import Categorical, Range, Space


@pytest.mark.parametrize(
    "kind",
    [Range(1e-4, 1, log=True), Range(-2, 3), Range(1, 7, whole=True), Range(16, 256, log=True, whole=True)],
    ids=lambda kind: kind.describe(),
)
def test_a_range_is_covered_evenly_and_only_it(kind: Range) -> None:
    values = [kind.at(fraction) for fraction in np.linspace(0, 1, 101)]
    assert values[0] == kind.low and values[-1] == kind.high and values == sorted(values)
    for fraction in (0.1, 0.5, 0.9):
        assert kind.at(kind.fraction(kind.at(fraction))) == pytest.approx(kind.at(fraction), rel=1e-9)


def test_whole_numbers_are_drawn_equally_often() -> None:
    drawn = [Range(1, 4, whole=True).at(fraction) for fraction in (np.arange(4000) + 0.5) / 4000]
    assert np.bincount(drawn).tolist() == [0, 1000, 1000, 1000, 1000]


def test_a_bernoulli_choice_is_drawn_by_its_probability() -> None:
    kind = Categorical((False, True), (0.75, 0.25))
    assert sum(bool(kind.at(fraction)) for fraction in (np.arange(400) + 0.5) / 400) == 100


def test_the_unit_cube_and_back() -> None:
    space = Space({"optim.learning_rate": Range(1e-4, 1, log=True), "optim.name": Categorical(("sgd", "adamw"))})
    configuration = space.at([0.25, 0.7])
    assert configuration == {"optim.learning_rate": 1e-3, "optim.name": "adamw"}
    assert space.fractions(configuration) == pytest.approx([0.25, 0.75])
    assert space.fractions({}) == [0.5, 0.5]
