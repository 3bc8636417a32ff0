"""Networks of plain layers, many as one: each as if alone."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainwell.core.batch import Batch
from trainwell.population.dropout import MemberDropout
from trainwell.population.gradients import grouped_gradient, mapped_gradient
from trainwell.population.grouped import group_layers
from trainwell.tasks.classify import Classify

MEMBERS, EXAMPLES, CLASSES = 3, 6, 4
ACTIVATIONS = [nn.ReLU, nn.Tanh, nn.GELU, nn.ELU, nn.Identity]


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...]]:
    """Images through convolutions, or features straight away; then linear layers."""
    layers: list[nn.Module] = []
    shape: tuple[int, ...] = (draw(st.sampled_from([1, 2])), 8, 8)
    if draw(st.booleans()):
        channels = shape[0]
        for _ in range(draw(st.integers(1, 2))):
            units = draw(st.integers(1, 4))
            layers.append(
                nn.Conv2d(channels, units, 3, padding=draw(st.sampled_from([0, 1])), bias=draw(st.booleans()))
            )
            if draw(st.booleans()):
                layers.append(nn.BatchNorm2d(units))
            layers.append(draw(st.sampled_from(ACTIVATIONS))())
            channels = units
        if draw(st.booleans()):
            layers.append(draw(st.sampled_from([nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2)])))
        layers.append(nn.Flatten())
    else:
        layers.append(nn.Flatten())
    width = nn.Sequential(*layers).eval()(torch.zeros(2, *shape)).shape[1]
    for _ in range(draw(st.integers(0, 2))):
        units = draw(st.integers(2, 5))
        layers.append(nn.Linear(width, units, bias=draw(st.booleans())))
        if draw(st.booleans()):
            layers.append(draw(st.sampled_from([nn.BatchNorm1d(units), nn.LayerNorm(units)])))
        layers.append(draw(st.sampled_from(ACTIVATIONS))())
        width = units
    if draw(st.booleans()):
        layers.append(MemberDropout(0.4))
    layers.append(nn.Linear(width, CLASSES))
    return nn.Sequential(*layers).double(), shape


def stacked(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights of several networks of this shape; buffers alike."""
    generator = torch.Generator().manual_seed(0)
    weights = {
        name: 0.5 * torch.randn(MEMBERS, *p.shape, generator=generator, dtype=p.dtype)
        for name, p in model.named_parameters()
    }
    return weights, {name: torch.stack([b] * MEMBERS) for name, b in model.named_buffers()}


@settings(max_examples=40, deadline=None)
@given(networks(), st.booleans(), st.booleans())
def test_grouped_equals_mapped(network: tuple[nn.Module, tuple[int, ...]], shared: bool, smoothed: bool) -> None:
    model, shape = network
    found = group_layers(model, shape)
    assert found is not None
    weights, buffers = stacked(model)
    lead = (EXAMPLES,) if shared else (MEMBERS, EXAMPLES)
    torch.manual_seed(1)
    batch = (torch.randn(*lead, *shape, dtype=torch.float64), torch.randint(0, CLASSES, lead))
    loss_settings = {"label_smoothing": torch.tensor([0.0, 0.1, 0.3], dtype=torch.float64)} if smoothed else {}
    task = Classify(classes=CLASSES)
    results = []
    for make, program in ((grouped_gradient, found), (mapped_gradient, model)):
        torch.manual_seed(2)  # dropout draws the same numbers either way
        own = {name: b.clone() for name, b in buffers.items()}
        results.append(make(program, task)(weights, own, settings=loss_settings, batch=batch, shared=shared))
    (gradients, after, losses), (expected, state, values) = results
    torch.testing.assert_close(losses, values)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-6, atol=1e-9)
    for name, buffer in state.items():
        torch.testing.assert_close(after[name], buffer)


def test_a_member_is_the_network_with_its_weights() -> None:
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(27, CLASSES)).double()
    weights, _ = stacked(model)
    x, y = torch.randn(EXAMPLES, 1, 8, 8, dtype=torch.float64), torch.arange(EXAMPLES) % CLASSES
    run = group_layers(model, (1, 8, 8))
    assert run is not None
    task = Classify(classes=CLASSES)
    found, _, losses = grouped_gradient(run, task)(weights, {}, settings={}, batch=(x, y), shared=True)
    for row in range(MEMBERS):
        alone = copy.deepcopy(model)
        alone.load_state_dict({name: weight[row] for name, weight in weights.items()})
        loss = task.loss(alone(x), Batch({"inputs": x, "targets": y}))
        loss.backward()
        torch.testing.assert_close(losses[row], loss.detach())
        for name, parameter in alone.named_parameters():
            torch.testing.assert_close(found[name][row], parameter.grad)


class Skip(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1


TIED = nn.Linear(4, 4)
UNSUPPORTED = {
    "a custom layer": (nn.Sequential(nn.Linear(4, 4), Skip()), (4,)),
    "no sequence": (nn.ModuleList([nn.Linear(4, 4)]), (4,)),
    "the same layer twice": (nn.Sequential(TIED, nn.ReLU(), TIED), (4,)),
    "channels in groups": (nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.Flatten(), nn.Linear(72, 2)), (2, 8, 8)),
    "images to the end": (nn.Sequential(nn.Conv2d(1, 2, 3)), (1, 8, 8)),
    "images into a linear layer": (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(6, 2)), (1, 8, 8)),
    "sequences": (nn.Sequential(nn.Linear(4, 4)), (7, 4)),
    "the mean of all batches": (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, momentum=None)), (4,)),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_network_that_is_not_supported_is_left_to_mapping(name: str) -> None:
    model, shape = UNSUPPORTED[name]
    assert group_layers(model, shape) is None


def test_a_hook_is_never_passed_over() -> None:
    model = nn.Sequential(nn.Linear(4, 4))
    model[0].register_forward_hook(lambda *_: None)
    assert group_layers(model, (4,)) is None
