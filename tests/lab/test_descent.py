"""Walks over landscapes."""

from __future__ import annotations

import functools

import pytest
import torch

from trainwell.lab.descent import field, heights, ravine, walk


def test_a_walk_follows_the_formula() -> None:
    points = walk(ravine, (1.0, 1.0), make=functools.partial(torch.optim.SGD, lr=0.01), steps=5)
    assert points[-1] == pytest.approx((0.8**5, 0.95**5))
    assert heights(ravine, points)[0] == 12.5


def test_a_walk_stops_before_numbers_break() -> None:
    points = walk(ravine, (1.0, 1.0), make=functools.partial(torch.optim.SGD, lr=1e6), steps=200)
    assert 1 < len(points) < 200


def test_a_clipped_step_is_no_longer_than_rate_times_limit() -> None:
    start, end = walk(ravine, (3.0, 4.0), make=functools.partial(torch.optim.SGD, lr=0.1), steps=1, clip=1.0)
    assert ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5 == pytest.approx(0.1, rel=1e-4)


def test_a_field_has_rows_from_the_bottom_up() -> None:
    values = field(lambda x, y: y, (0, 1), y=(0, 5)).values
    assert values[0][0] == 0 and values[-1][-1] == 5
