"""DropConnect: prediction equals the mean over masks (docs/curriculum.md, G1)."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import UsageError
from trainwell.nn.layers import DropConnect


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 0.9])
def test_prediction_is_the_training_mean(p: float) -> None:
    torch.manual_seed(0)
    layer, x = DropConnect(6, 4, p=p), torch.randn(6)
    with torch.no_grad():
        drawn = layer(x.expand(20_000, 6))
        noise = drawn.std(0) / 20_000**0.5
        assert ((drawn.mean(0) - layer.eval()(x[None])[0]).abs() <= 5 * noise + 1e-5).all()
        spread = p / (1 - p) * (layer.linear.weight**2 @ x**2)
        assert torch.allclose(drawn.var(0), spread, rtol=0.1, atol=1e-6)


def test_every_example_gets_masks_of_its_own_and_weights_get_gradients() -> None:
    torch.manual_seed(0)
    layer = DropConnect(6, 4)
    out = layer(torch.ones(2, 6))
    out.sum().backward()
    assert not torch.equal(out[0], out[1])
    assert layer.linear.weight.grad is not None


@pytest.mark.parametrize("p", [-0.1, 1.0, 2.0])
def test_a_probability_outside_is_refused(p: float) -> None:
    with pytest.raises(UsageError, match="less than 1"):
        DropConnect(2, 2, p=p)
