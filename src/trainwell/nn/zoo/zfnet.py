"""ZFNet (Zeiler and Fergus 2014): AlexNet with a finer first layer, found by visualising features."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.zoo.alexnet import dense_layers
from trainwell.nn.zoo.image import grid, image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import unnormalised


def zfnet(*, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.5) -> nn.Sequential:
    """Build ZFNet for images of at least 53 x 53; the paper's are 224 x 224.

    Convolutions 3 to 5 have 512, 1024 and 512 maps: the paper's best network (table 3).
    The input of the fully connected layers has 6 x 6 x 512 features.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels and units.
        dropout: probability of dropping a unit of the fully connected layers.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in zfnet(input_shape=(3, 224, 224), outputs=1000).parameters())
    107627624
    """
    channels, *size = image("zfnet", input_shape, smallest=53)
    c1, c2, c3, c4, c5, units = (round(width * count) for count in (96, 256, 512, 1024, 512, 4096))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(channels, c1, 7, stride=2, padding=1)
    layers["activation1"] = nn.ReLU()
    layers["pool1"] = nn.MaxPool2d(3, 2, padding=1)
    layers["norm1"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
    layers["conv2"] = nn.Conv2d(c1, c2, 5, stride=2)
    layers["activation2"] = nn.ReLU()
    layers["pool2"] = nn.MaxPool2d(3, 2, padding=1)
    layers["norm2"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
    layers["conv3"] = nn.Conv2d(c2, c3, 3, padding=1)
    layers["activation3"] = nn.ReLU()
    layers["conv4"] = nn.Conv2d(c3, c4, 3, padding=1)
    layers["activation4"] = nn.ReLU()
    layers["conv5"] = nn.Conv2d(c4, c5, 3, padding=1)
    layers["activation5"] = nn.ReLU()
    layers["pool5"] = nn.MaxPool2d(3, 2)
    height, breadth = grid(nn.Sequential(layers), (size[0], size[1]))
    layers |= dense_layers(c5 * height * breadth, units=units, outputs=outputs, dropout=dropout)
    return nn.Sequential(layers)


ZFNET = Network(
    build=lambda settings, facts, outputs: zfnet(
        input_shape=facts.shape, outputs=outputs, width=settings.width_factor, dropout=settings.dropout
    ),
    page=zfnet,
    uses=(*HIDDEN, "nn.width_factor"),
    usual=unnormalised(dropout=0.5),
    published=PublishedData(input=InputFacts((3, 224, 224))),
)
