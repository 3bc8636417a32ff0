"""K-FAC equals the natural gradient it stands for (docs/curriculum.md, E3)."""

from __future__ import annotations

import copy
import gc

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from trainwell.core.errors import UsageError
from trainwell.optim import KFAC
from trainwell.optim.optimizers.kfac import kronecker_step, layers_of, patches


def factor(size: int, seed: int) -> torch.Tensor:
    root = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return root @ root.T


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 99), st.floats(1e-3, 10))
def test_the_step_solves_the_system_of_the_kronecker_product(outputs, inputs, seed, damping) -> None:
    left, right = factor(outputs, seed), factor(inputs, seed + 100)
    gradient = torch.randn(outputs, inputs, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    ratio = (right.diagonal().mean() / left.diagonal().mean()).sqrt().clamp(1e-4, 1e4)
    damped_left = left + damping**0.5 / ratio * torch.eye(outputs, dtype=torch.float64)
    damped_right = right + damping**0.5 * ratio * torch.eye(inputs, dtype=torch.float64)
    whole = torch.kron(damped_left, damped_right)
    expected = torch.linalg.solve(whole, gradient.flatten()).view_as(gradient)
    assert torch.allclose(
        kronecker_step(gradient, right, outputs=left, damping=damping), expected, rtol=1e-5, atol=1e-8
    )


def test_patches_times_weights_are_the_convolution() -> None:
    layer = nn.Conv2d(2, 3, 3, stride=2, padding=1)
    x = torch.randn(4, 2, 7, 7)
    weight = torch.cat([layer.weight.flatten(1), layer.bias[:, None]], dim=1)
    assert torch.allclose((patches(layer, x) @ weight.T).view(4, 4, 4, 3).movedim(-1, 1), layer(x), atol=1e-5)


def test_the_factors_are_the_means_over_examples() -> None:
    torch.manual_seed(0)
    net, x, y = nn.Linear(3, 2), torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 1, 0])
    optimizer = KFAC(net, lr=0.0)
    outputs = net(x)
    outputs.retain_grad()
    F.cross_entropy(outputs, y).backward()
    slopes = outputs.grad * 6  # of each example's own loss
    optimizer.step()
    rows = F.pad(x, (0, 1), value=1.0)
    state = optimizer.state[net.weight]
    assert torch.allclose(state["inputs"], rows.T @ rows / 6, atol=1e-6)
    assert torch.allclose(state["outputs"], slopes.T @ slopes / 6, atol=1e-6)


def losses(net: nn.Module, optimizer, x, y, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return found


def test_badly_scaled_inputs_do_not_matter_to_it() -> None:
    """The natural gradient is the same in all coordinates: descent crawls where K-FAC does not notice."""
    torch.manual_seed(0)
    x, net = torch.randn(200, 4, dtype=torch.float64), nn.Linear(4, 2).double()
    y = (x.sum(1) > 0).long()
    scales = torch.tensor([100.0, 1.0, 0.1, 0.01], dtype=torch.float64)
    other = copy.deepcopy(net)
    with torch.no_grad():
        other.weight.div_(scales)
    settings = {"lr": 0.5, "momentum": 0.0, "damping": 1e-20}
    plain = losses(net, KFAC(net, **settings), x, y, 30)
    scaled = losses(other, KFAC(other, **settings), x * scales, y, 30)
    assert scaled == pytest.approx(plain, rel=0.02)
    assert plain[-1] < plain[0] - 0.1


def test_convolutions_scales_and_biases_learn_together() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(),
        nn.Linear(4 * 16, 3),
    )  # fmt: skip
    before = [p.detach().clone() for p in net.parameters()]
    x, y = torch.randn(64, 1, 8, 8), torch.randint(0, 3, (64,))
    found = losses(net, KFAC(net, lr=0.05), x, y, 40)
    assert found[-1] < 0.5 * found[0]
    assert not any(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    assert len(layers_of(net)) == 2


def test_it_looks_only_while_the_network_trains_and_leaves_with_its_hooks() -> None:
    net = nn.Linear(3, 2)
    optimizer = KFAC(net)
    net.eval()
    net(torch.randn(4, 3)).sum().backward()
    assert not optimizer._inputs
    del optimizer
    gc.collect()
    assert not net._forward_hooks


def test_a_network_without_such_layers_is_refused() -> None:
    with pytest.raises(UsageError, match="linear or convolution layer"):
        KFAC(nn.LayerNorm(3))
