from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.monitor.autograd.nonfinite import nonfinite_origin, origin_signal

torch.manual_seed(0)
X, Y = torch.randn(12, 4), torch.arange(12) % 3
HEAD, UNIT = nn.Linear(4, 3), nn.Linear(4, 1)

ORIGINS: dict[str, tuple[Callable[[], Tensor], str]] = {
    "input": (lambda: F.cross_entropy(HEAD(torch.full((2, 4), math.nan)), Y[:2]), "input"),
    "log": (lambda: -torch.log(F.relu(UNIT(X) - 100)).mean(), "log after unit"),
    "division": (lambda: (UNIT(X) / torch.zeros(12, 1)).mean(), "div after unit"),
    "exp": (lambda: torch.exp(UNIT(X) * 1e6).mean(), "exp after unit"),
    "root": (lambda: (torch.sqrt(-UNIT(X).abs() - 1) * 2).mean(), "sqrt after unit"),
    "in the middle": (lambda: HEAD(torch.log(UNIT(X) * 0).expand(12, 4)).mean(), "log after unit"),
}


@pytest.mark.parametrize("name", ORIGINS)
def test_first_bad_number_is_traced(name: str) -> None:
    make, origin = ORIGINS[name]
    names = {id(HEAD.weight): "head.weight", id(UNIT.weight): "unit.weight", id(UNIT.bias): "unit.bias"}
    found, share = nonfinite_origin(make(), names)
    assert found == origin
    assert 0 < share <= 1


def test_broken_weights_are_told_apart() -> None:
    layer = nn.Linear(4, 1)
    with torch.no_grad():
        layer.weight[0, 0] = math.nan
    assert nonfinite_origin(layer(X).mean(), {})[0] == "weights"


def test_a_function_of_the_user_with_an_attribute_variable_is_an_operation() -> None:
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.variable = 3
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    x = torch.tensor([0.0, 1.0], requires_grad=True)
    assert nonfinite_origin(Double.apply(torch.log(x * 3)).sum(), {id(x): "head.weight"}) == ("log after head", 0.5)


def test_a_gradient_that_will_be_infinite_is_found_where_the_loss_is_finite() -> None:
    x = torch.tensor([0.0, 1.0], requires_grad=True)
    loss = (x * 1).sqrt().sum()
    assert nonfinite_origin(loss, {}, of_gradient=True) == ("sqrt", 0.5)
    assert nonfinite_origin(loss, {})[0] == "the loss as a whole"


def test_inputs_and_targets_have_their_own_signal() -> None:
    assert origin_signal("target") == "target/nonfinite_fraction"
    assert origin_signal("div") == "code/nonfinite/div"
