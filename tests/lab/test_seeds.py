"""Repetition over seeds."""

from __future__ import annotations

import pytest
import torch

from trainwell.lab.result import Conditions, mean_of
from trainwell.lab.seeds import mean_curve, mean_curves, means, repeat


def test_every_seed_gives_other_draws_and_the_same_ones_every_time() -> None:
    once, again = (repeat(Conditions(seeds=4), lambda: torch.rand(()).item()) for _ in range(2))
    assert once == again and len(set(once)) == 4


def test_a_mean_curve_has_the_interval_of_every_point() -> None:
    series = mean_curve("loss", [[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]], xs=[10, 20], colour=3)
    assert series.points == ((10.0, 2.0), (20.0, 5.0)) and series.colour == 3
    assert series.errors == (mean_of([1.0, 3.0, 2.0]).half, 0.0)


def test_curves_have_colours_of_their_own_and_the_places_they_are_given() -> None:
    first, second = mean_curves({"a": [[1.0], [2.0]], "b": [[3.0], [4.0]]}, xs=iter([7]))
    assert (first.colour, second.colour) == (0, 1) and first.points[0][0] == second.points[0][0] == 7


def test_curves_of_different_lengths_are_a_mistake() -> None:
    with pytest.raises(ValueError):
        mean_curve("loss", [[1.0, 2.0], [1.0]])


def test_means_go_by_name() -> None:
    assert means([{"a": 1.0, "b": 0.0}, {"a": 3.0, "b": 0.0}])["a"] == mean_of([1.0, 3.0])
