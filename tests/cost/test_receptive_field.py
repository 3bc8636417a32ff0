"""How far a number sees (docs/curriculum.md, K1)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.cost import ReceptiveFields, layers
from trainwell.nn import MODELS
from trainwell.recipe.sections import NetworkRecipe


def seen(model: nn.Module, side: int = 64) -> int | None:
    x = torch.zeros(1, 2, side, side, device="meta")
    with ReceptiveFields(x) as fields, torch.no_grad():
        return fields.of(model.to("meta").eval()(x))


class Fork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 5, padding=2)

    def forward(self, x):
        return torch.cat([self.near(x), self.far(x) + x], dim=1)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (nn.Conv2d(2, 2, 3, dilation=2), 5),
        (nn.Sequential(nn.Conv2d(2, 2, (1, 7)), nn.Conv2d(2, 2, (7, 1)), nn.Conv2d(2, 2, (1, 3), stride=(1, 2))), 9),
        (nn.Sequential(nn.Conv2d(2, 2, 3, stride=2), nn.MaxPool2d(3, 2), nn.Conv2d(2, 2, 3)), 3 + 2 * 2 + 2 * 4),
        (Fork(), 5),
        (nn.Sequential(nn.Conv2d(2, 2, 3), nn.AdaptiveAvgPool2d(1)), 64),
        (nn.Sequential(nn.Conv2d(2, 2, 3), nn.Flatten(), nn.LazyLinear(3)), 64),
    ],
)
def test_the_law(model: nn.Module, expected: int) -> None:
    if any(isinstance(m, nn.LazyLinear) for m in model.modules()):
        model(torch.zeros(1, 2, 64, 64))
    assert seen(model) == expected


def test_it_is_where_the_gradient_is_not_zero() -> None:
    model = nn.Sequential(
        nn.Conv2d(1, 1, 5, padding=2), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3, padding=1), nn.AvgPool2d(3, 2)
    )
    x = torch.randn(1, 1, 48, 48, requires_grad=True)
    model(x)[0, 0, 5, 5].backward()
    rows = x.grad[0, 0].abs().sum(dim=1).nonzero().flatten()
    extent = int(rows[-1] - rows[0]) + 1
    assert layers(model, InputFacts((1, 48, 48)))[-1].receptive_field == extent


def test_published_fields() -> None:
    """Of VGG-16 and Inception-v3: Araujo et al. 2019, "Computing receptive fields of convolutional neural networks"."""
    fields = {}
    for name, shape in (("alexnet", (3, 227, 227)), ("vgg16", (3, 224, 224)), ("inception_v3", (3, 299, 299))):
        with torch.device("meta"):
            model = MODELS[name].build(NetworkRecipe(), InputFacts(shape), 10)
        fields[name] = {layer.name: layer.receptive_field for layer in layers(model, InputFacts(shape))}
    found = [fields["alexnet"][name] for name in ("conv1", "pool1", "conv2", "conv3", "conv4", "conv5", "pool5", "fc6")]
    assert found == [11, 19, 51, 99, 131, 163, 195, 355]
    assert (fields["vgg16"]["pool5"], fields["vgg16"]["fc6"]) == (212, 404)
    inception = [field for name, field in fields["inception_v3"].items() if name.startswith("body") and field]
    assert max(inception) == 1311
