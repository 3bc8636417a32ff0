"""docs/curriculum.md, E5."""

from __future__ import annotations

import torch

from trainwell.lab.optimizer_race import _beale


def test_beales_minimum_is_where_the_literature_says() -> None:
    at = torch.tensor([3.0, 0.5], dtype=torch.float64, requires_grad=True)
    value = _beale(at[0], at[1])
    (slope,) = torch.autograd.grad(value, at)
    assert value.item() == 0 and slope.abs().max().item() == 0


def test_the_same_racer_has_the_same_colour_everywhere(done) -> None:
    figure = done("optimizer_race").figure
    seen = {(s.name, s.colour) for number in (0, 1, 2, 4, 5) for s in figure.panels[number].series}
    assert len(seen) == 6
