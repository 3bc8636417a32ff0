from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.errors import ShapeError, UsageError
from trainwell.explain import MAPS, flat, saliency


def test_only_the_pixels_that_matter_are_salient() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * 4 * 4, 3))
    weight = model[1].weight.data.zero_().view(3, 2, 4, 4)
    weight[1, 0, 2, 3] = -2.0
    weight[1, 1, 2, 3] = 1.0
    weight[2, 1, 0, 0] = 3.0
    shown = saliency(model, torch.randn(2, 2, 4, 4), classes=torch.tensor([1, 2]))
    assert shown.shape == (2, 4, 4)
    assert (shown[0].nonzero().tolist(), shown[0, 2, 3].item()) == ([[2, 3]], 2.0)
    assert (shown[1].nonzero().tolist(), shown[1, 0, 0].item()) == ([[0, 0]], 3.0)


def test_nothing_is_left_behind() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5))
    inputs = torch.randn(2, 4)
    with torch.no_grad():
        saliency(model, inputs, classes=torch.tensor([0, 1]))
    assert model[0].weight.grad is None
    assert not inputs.requires_grad
    assert model.training


def test_one_class_for_each_input() -> None:
    with pytest.raises(ShapeError, match=r"one number per input, \(2,\), got \(3,\)"):
        saliency(nn.Linear(4, 3), torch.zeros(2, 4), classes=torch.zeros(3, dtype=torch.long))


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(96, 3),
    )  # fmt: skip


def test_contributions_add_up_to_the_change_of_the_score() -> None:
    """Completeness, Sundararajan et al. 2017, proposition 1."""
    net, x, classes = network(), torch.randn(4, 2, 8, 8), torch.tensor([0, 1, 2, 0])
    found = MAPS["integrated_gradients"](net, x, classes=classes)
    with torch.no_grad():
        change = (net(x) - net(torch.zeros_like(x))).gather(1, classes[:, None])[:, 0]
    assert torch.allclose(found.sum((1, 2, 3)), change, atol=0.02)


def test_occlusion_of_a_linear_network_is_what_was_covered() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 2, bias=False))
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, 4, 4] = 1.0
    found = MAPS["occlusion"](net, x, classes=torch.tensor([1]))
    weight = net[1].weight.detach()[1].reshape(8, 8)[4, 4]
    assert found[0, 4, 4].item() == pytest.approx(weight.item(), abs=1e-6)
    assert found[0, :2].abs().max() < 1e-6


def test_a_single_logit_has_two_classes() -> None:
    net, x = nn.Sequential(nn.Flatten(), nn.Linear(8, 1)), torch.randn(1, 2, 2, 2)
    for name in ("integrated_gradients", "gradient"):
        one, zero = (MAPS[name](net, x, classes=torch.tensor([c])) for c in (1, 0))
        assert torch.allclose(one.abs(), zero.abs())


@pytest.mark.parametrize("name", list(MAPS))
def test_every_map_has_a_strength_for_each_pixel_and_leaves_the_network_alone(name) -> None:
    if name in ("input_x_gradient", "deep_lift", "guided_backprop"):
        pytest.importorskip("captum")
    net = network().train()
    found = flat(MAPS[name](net, torch.randn(2, 2, 8, 8), classes=torch.tensor([0, 2])))
    assert found.shape == (2, 8, 8)
    assert (found >= 0).all()
    assert net.training
    assert all(p.grad is None for p in net.parameters())
    assert not any(module._forward_hooks for module in net.modules())


@pytest.mark.parametrize(
    ("ours", "theirs"), [("integrated_gradients", "IntegratedGradients"), ("gradient", "Saliency")]
)
def test_our_maps_equal_captums(ours, theirs) -> None:
    attr = pytest.importorskip("captum.attr")
    net, x, classes = network().eval(), torch.randn(2, 2, 8, 8), torch.tensor([0, 2])
    more = {"n_steps": 32, "method": "riemann_middle"} if ours == "integrated_gradients" else {}
    reference = getattr(attr, theirs)(net).attribute(x.clone().requires_grad_(), target=classes, **more)
    if ours == "gradient":
        reference = reference.amax(1)
    assert torch.allclose(MAPS[ours](net, x, classes=classes), reference.float(), atol=1e-4)


def test_captums_maps_of_a_single_logit_are_about_the_class_that_was_asked_for() -> None:
    pytest.importorskip("captum")
    net, x = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1)), torch.randn(1, 1, 4, 4)
    two = nn.Sequential(*net[:-1], nn.Linear(8, 2))
    two[-1].weight.data, two[-1].bias.data = (torch.cat([-part, part]) for part in (net[-1].weight, net[-1].bias))
    maps = [
        MAPS["guided_backprop"](model, x, classes=torch.tensor([place])) for model in (net, two) for place in (0, 1)
    ]
    assert torch.allclose(maps[0], maps[2]) and torch.allclose(maps[1], maps[3])
    assert not torch.allclose(maps[0].abs(), maps[1].abs())


def test_grad_cam_needs_feature_maps() -> None:
    with pytest.raises(UsageError, match="no layer returns feature maps"):
        MAPS["grad_cam"](
            nn.Sequential(nn.Flatten(), nn.Linear(8, 2)), torch.zeros(1, 2, 2, 2), classes=torch.tensor([0])
        )
