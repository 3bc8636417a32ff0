"""AlexNet (Krizhevsky, Sutskever, Hinton 2012, figure 2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.zoo.image import grid, image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import unnormalised


def alexnet(
    *, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.5, groups: int = 1
) -> nn.Sequential:
    """Build AlexNet for images of at least 67 x 67; the paper's are 227 x 227.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels and units.
        dropout: probability of dropping a unit of the fully connected layers.
        groups: 2 splits conv2, conv4 and conv5 into two groups, as the paper did for two GPUs
            (60,965,224 parameters); 1 does not, as is usual now (62,378,344).
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in alexnet(input_shape=(3, 227, 227), outputs=1000).parameters())
    62378344
    """
    channels, *size = image("alexnet", input_shape, smallest=67)
    c1, c2, c3, c4, c5, units = (round(width * count) for count in (96, 256, 384, 384, 256, 4096))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(channels, c1, 11, stride=4)
    layers["activation1"] = nn.ReLU()
    layers["norm1"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
    layers["pool1"] = nn.MaxPool2d(3, 2)
    layers["conv2"] = nn.Conv2d(c1, c2, 5, padding=2, groups=groups)
    layers["activation2"] = nn.ReLU()
    layers["norm2"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
    layers["pool2"] = nn.MaxPool2d(3, 2)
    layers["conv3"] = nn.Conv2d(c2, c3, 3, padding=1)
    layers["activation3"] = nn.ReLU()
    layers["conv4"] = nn.Conv2d(c3, c4, 3, padding=1, groups=groups)
    layers["activation4"] = nn.ReLU()
    layers["conv5"] = nn.Conv2d(c4, c5, 3, padding=1, groups=groups)
    layers["activation5"] = nn.ReLU()
    layers["pool5"] = nn.MaxPool2d(3, 2)
    height, breadth = grid(nn.Sequential(layers), (size[0], size[1]))
    layers |= dense_layers(c5 * height * breadth, units=units, outputs=outputs, dropout=dropout)
    return nn.Sequential(layers)


def dense_layers(volume: int, *, units: int, outputs: int, dropout: float) -> OrderedDict[str, nn.Module]:
    """Return layers 6 to 8: fully connected, with dropout before the first two.

    Args:
        volume: number of features after the convolutions.
        units: of layers 6 and 7.
        outputs: number of outputs per image (logits).
        dropout: probability of dropping a unit.

    >>> list(dense_layers(8, units=4, outputs=2, dropout=0.5))[-1]
    'head'
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["flatten"] = nn.Flatten()
    layers["dropout6"] = nn.Dropout(dropout)
    layers["fc6"] = nn.Linear(volume, units)
    layers["activation6"] = nn.ReLU()
    layers["dropout7"] = nn.Dropout(dropout)
    layers["fc7"] = nn.Linear(units, units)
    layers["activation7"] = nn.ReLU()
    layers["head"] = nn.Linear(units, outputs)
    return layers


ALEXNET = Network(
    build=lambda settings, facts, outputs: alexnet(
        input_shape=facts.shape, outputs=outputs, width=settings.width_factor, dropout=settings.dropout
    ),
    page=alexnet,
    uses=(*HIDDEN, "nn.width_factor"),
    usual=unnormalised(dropout=0.5),
    published=PublishedData(input=InputFacts((3, 227, 227))),
)
