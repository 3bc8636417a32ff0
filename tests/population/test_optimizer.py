"""Steps of stacked weights: written in place, equal to the same rules without."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.optim.functional import FUNCTIONAL, Settings
from trainwell.population.optimizer import StackedOptimizer

MEMBERS = 4
unit = st.floats(0, 0.99)


def column(draw: st.DrawFn, values: st.SearchStrategy[float]) -> torch.Tensor:
    return torch.tensor([draw(values) for _ in range(MEMBERS)], dtype=torch.float64)


@st.composite
def hypers(draw: st.DrawFn) -> dict[str, torch.Tensor]:
    found = {name: torch.full((MEMBERS,), 0.5, dtype=torch.float64) for name in Settings._fields[1:]}
    return found | {
        "momentum": column(draw, unit),
        "nesterov": column(draw, st.sampled_from([0.0, 1.0])) * draw(st.sampled_from([0, 1])),
        "beta1": column(draw, unit),
        "beta2": column(draw, st.floats(0.01, 0.999)),
        "epsilon": column(draw, st.floats(1e-8, 1e-2)),
        "weight_decay": column(draw, st.floats(0, 0.5)) * draw(st.sampled_from([0, 1])),
    }


@pytest.mark.parametrize("name", sorted(FUNCTIONAL))
@settings(max_examples=15, deadline=None)
@given(hyper=hypers(), seed=st.integers(0, 99))
def test_a_step_in_place_is_the_step_without(name: str, hyper: dict[str, torch.Tensor], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"filters": (MEMBERS, 2, 3), "bias": (MEMBERS, 5)}
    weights = {key: torch.randn(shape, generator=generator, dtype=torch.float64) for key, shape in shapes.items()}
    functional, optimizer = FUNCTIONAL[name], StackedOptimizer(name, hyper)
    pure, state = dict(weights), functional.start(weights)
    here, slots = {key: weight.clone() for key, weight in weights.items()}, optimizer.start(weights)
    rates = torch.rand(MEMBERS, generator=generator, dtype=torch.float64) * 0.1
    for number in range(1, 4):
        gradients = {key: torch.randn(shape, generator=generator, dtype=torch.float64) for key, shape in shapes.items()}
        pure, state = functional.update(
            pure, gradients, state=state, settings=Settings(rates, **hyper), number=number, stacked=True
        )
        own = {key: gradient.clone() for key, gradient in gradients.items()}
        here, slots = optimizer.step(here, own, state=slots, rates=rates, number=number)
    for key, weight in pure.items():
        torch.testing.assert_close(here[key], weight, rtol=1e-6, atol=1e-9)


def test_gradients_that_share_memory_are_not_written_into_twice() -> None:
    hyper = {"momentum": torch.zeros(2), "nesterov": torch.zeros(2), "weight_decay": torch.full((2,), 0.5)}
    one = torch.ones(2, 1, 1)
    weights = {"a": torch.ones(2, 1, 1), "b": torch.ones(2, 1, 1), "c": torch.ones(2, 3, 2)}
    wide = torch.ones(1, 1, 1).expand(2, 3, 2)  # as the gradient of a sum comes
    optimizer = StackedOptimizer("sgd", hyper)
    gradients = {"a": one, "b": one, "c": wide}
    state = optimizer.start(weights)
    after, _ = optimizer.step(weights, gradients, state=state, rates=torch.ones(2), number=1)
    assert all(weight.unique().tolist() == [-0.5] for weight in after.values())


def test_members_are_chosen_and_joined() -> None:
    hyper = {"momentum": torch.tensor([0.1, 0.2, 0.3]), "nesterov": torch.zeros(3), "weight_decay": torch.zeros(3)}
    optimizer = StackedOptimizer("sgd", hyper)
    joined = optimizer.select([2]).join([optimizer.select([2]), optimizer.select([0, 1])])
    weights = {"w": torch.zeros(3, 1, 1)}
    state = {"w": (torch.ones(3, 1, 1),)}
    after, _ = joined.step(weights, {"w": torch.zeros(3, 1, 1)}, state=state, rates=torch.ones(3), number=1)
    assert after["w"].flatten().tolist() == pytest.approx([-0.3, -0.1, -0.2])
