"""The most a step holds, predicted without computing it (docs/curriculum.md, K1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from trainwell.core.facts import InputFacts
from trainwell.cost import step_peak
from trainwell.nn import MODELS
from trainwell.recipe.sections import NetworkRecipe


def measured(model: nn.Module, inputs: torch.Tensor) -> int:
    """Return the most bytes that torch's allocator gave during a step, with what was there before."""
    targets = torch.zeros(len(inputs), dtype=torch.long)
    standing = sum(t.nbytes for t in [*model.parameters(), *model.buffers()]) + inputs.nbytes
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        F.cross_entropy(model(inputs), targets).backward()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return standing + most


@pytest.mark.parametrize(
    ("name", "shape"), [("vgg16", (3, 32, 32)), ("resnet20", (3, 32, 32)), ("mobilenet", (3, 48, 48))]
)
def test_within_ten_percent_of_what_is_measured(name: str, shape: tuple[int, int, int]) -> None:
    model = MODELS[name].build(NetworkRecipe(width_factor=0.25), InputFacts(shape), 10)
    predicted = step_peak(model, InputFacts(shape), batch_size=32)
    assert predicted == pytest.approx(measured(model, torch.randn(32, *shape)), rel=0.1)
    assert all(parameter.grad is None or parameter.device.type == "cpu" for parameter in model.parameters())


def test_half_the_precision_halves_the_activations() -> None:
    model = nn.Sequential(*(nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()) for _ in range(6)))
    model.append(nn.AdaptiveAvgPool2d(1))
    whole, half = (
        step_peak(model, InputFacts((8, 16, 16)), batch_size=64, precision=kind) for kind in (None, torch.bfloat16)
    )
    assert 0.45 < half / whole < 0.65


def test_a_network_without_a_tensor_is_refused() -> None:
    class Says(nn.Module):
        def forward(self, x):
            return ("nothing",)

    with pytest.raises(NotImplementedError, match="returns str, not a tensor"):
        step_peak(Says(), InputFacts((3,)), batch_size=2)


@pytest.mark.parametrize("form", ["tuple", "named"])
def test_all_outputs_of_a_network_count(form: str) -> None:
    class Two(nn.Module):
        def __init__(self, outputs: int) -> None:
            super().__init__()
            self.first = nn.Linear(8, 1000)
            self.second = nn.Linear(8, 1000)
            self.outputs = outputs

        def forward(self, x):
            both = (self.first(x), self.second(x))[: self.outputs]
            return both if form == "tuple" else {str(i): one for i, one in enumerate(both)}

    one, two = (step_peak(Two(outputs), InputFacts((8,)), batch_size=64) for outputs in (1, 2))
    assert two > one + 4 * 64 * 1000
