"""Values and slopes of the non-linearities against their formulas (docs/curriculum.md, C2)."""

from __future__ import annotations

import math

import pytest
import torch

from trainwell.nn import ACTIVATIONS

# ELU is x for x > 0 and a (exp(x) - 1) for x <= 0; SELU's constants are those of Klambauer et al. 2017.
FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "prelu": lambda x: x if x > 0 else 0.25 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1)),
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
}


@pytest.mark.parametrize("name", list(FORMULAS))
@pytest.mark.parametrize("x", [-3.0, -0.5, 0.25, 2.0])
def test_value_and_slope(name: str, x: float) -> None:
    formula = FORMULAS[name]
    point = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    value = ACTIVATIONS[name]().double()(point)
    value.backward()
    assert value.item() == pytest.approx(formula(x), abs=1e-6)
    slope = (formula(x + 1e-5) - formula(x - 1e-5)) / 2e-5
    assert point.grad.item() == pytest.approx(slope, abs=1e-4)


def test_softmax_shares_one_out_and_has_the_slopes_of_its_formula() -> None:
    x = torch.tensor([[1.0, 2.0, -1.0]], dtype=torch.float64)
    softmax = ACTIVATIONS["softmax"]()
    y = softmax(x)[0]
    assert torch.allclose(y, x[0].exp() / x.exp().sum())
    slopes = torch.func.jacrev(lambda row: softmax(row[None])[0])(x[0])
    assert torch.allclose(slopes, torch.diag(y) - torch.outer(y, y))
    assert set(ACTIVATIONS) == {*FORMULAS, "softmax"}
