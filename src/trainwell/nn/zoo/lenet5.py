"""LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998), with the modern full connection between its two convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.activations import ACTIVATIONS
from trainwell.nn.zoo.image import image
from trainwell.nn.zoo.network import Network, PublishedData


def lenet5(*, input_shape: Sequence[int], outputs: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Module:
    """Build LeNet-5 for images of at least 12 x 12.

    Images smaller than 32 x 32 are padded by 2 on each side, as the paper pads 28 x 28 digits to 32 x 32.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        activation: builds the non-linearity; the paper uses a scaled tanh.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> net = lenet5(input_shape=(1, 32, 32), outputs=10)
    >>> [sum(p.numel() for p in layer.parameters()) for layer in net if list(layer.parameters())]
    [156, 2416, 48120, 10164, 850]
    """
    channels, height, width = image("lenet5", input_shape, smallest=12)
    padding = 0 if min(height, width) >= 32 else 2

    def after(side: int) -> int:
        return ((side + 2 * padding - 4) // 2 - 4) // 2

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(channels, 6, 5, padding=padding)
    layers["activation1"] = activation()
    layers["pool1"] = nn.MaxPool2d(2)
    layers["conv2"] = nn.Conv2d(6, 16, 5)
    layers["activation2"] = activation()
    layers["pool2"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["fc1"] = nn.Linear(16 * after(height) * after(width), 120)
    layers["activation3"] = activation()
    layers["fc2"] = nn.Linear(120, 84)
    layers["activation4"] = activation()
    layers["head"] = nn.Linear(84, outputs)
    return nn.Sequential(layers)


LENET5 = Network(
    build=lambda settings, facts, outputs: lenet5(
        input_shape=facts.shape, outputs=outputs, activation=ACTIVATIONS[settings.activation]
    ),
    page=lenet5,
    published=PublishedData(input=InputFacts((1, 28, 28)), classes=10),
)
