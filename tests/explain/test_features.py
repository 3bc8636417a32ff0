"""Features before the head and at every depth (docs/curriculum.md, P2, P3, L5)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainwell.explain import depths, features, flat_map, frechet, linear_probe


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(24, 5), nn.ReLU(), nn.Linear(5, 3),
    )  # fmt: skip


def test_features_are_what_the_head_receives_and_nothing_is_changed() -> None:
    net, x = network(), torch.randn(300, 1, 8, 8)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    found = features(net, x, head="9")
    assert net.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert not any(module._forward_pre_hooks for module in net.modules())
    assert torch.equal(found, net.eval()[:9](x).detach())


def test_a_depth_ends_where_the_next_layer_begins() -> None:
    net, x = network().eval(), torch.randn(7, 1, 8, 8)
    found = depths(net, x)
    assert list(found) == ["input", "0", "4", "7"]
    assert torch.allclose(found["0"], net[:4](x).detach().flatten(1))
    assert torch.allclose(found["7"], net[:9](x).detach())


def test_a_linear_probe_finds_what_is_linear_and_not_what_is_not() -> None:
    x = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    line, xor = (x[:, 0] > 0).long(), (x[:, 0] * x[:, 1] > 0).long()
    scores = [linear_probe((x[:200], y[:200]), (x[200:], y[200:])) for y in (line, xor)]
    assert scores[0] > 0.95
    assert scores[1] < 0.65


@given(st.floats(-3, 3), st.floats(0.2, 3), st.integers(1, 6))
def test_the_distance_of_normal_distributions_has_its_closed_form(shift, scale, width) -> None:
    """For equal covariances C and s²C: (|m|² + (s - 1)² tr C) / tr C."""
    x = torch.randn(100, width, generator=torch.Generator().manual_seed(width), dtype=torch.float64)
    x -= x.mean(0)
    trace = torch.cov(x.T).reshape(width, width).trace().item()
    expected = (width * shift**2 + (scale - 1) ** 2 * trace) / trace
    assert frechet(x, x * scale + shift) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_two_clouds_stay_two_in_the_plane(method) -> None:
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(0))
    x[30:] += 20
    flat = flat_map(x.numpy(), method=method)
    assert flat.shape == (60, 2)
    apart = ((flat[:30].mean(0) - flat[30:].mean(0)) ** 2).sum() ** 0.5
    assert apart > flat[:30].std()
