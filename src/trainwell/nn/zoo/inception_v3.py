"""Inception-v3 (Szegedy et al. 2016, table 1), layer by layer as in the authors' program."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.auxiliary import AuxiliaryHeads
from trainwell.nn.layers.convolution import convolution_block as conv
from trainwell.nn.layers.inception import Stack, inception_expanded, inception_factorised, inception_square
from trainwell.nn.zoo.image import image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import normalised


def inception_v3(
    *, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.2
) -> AuxiliaryHeads:
    """Build Inception-v3 for images of at least 75 x 75; the paper's are 299 x 299.

    Without the auxiliary head it has 23,834,568 parameters for 1,000 classes, with it 27,161,264.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels.
        dropout: probability of dropping an input of the last layer.
    Raises:
        UsageError: if the input is not an image or is too small.
    """
    channels, height, breadth = image("inception_v3", input_shape, smallest=75)

    def w(count: int) -> int:
        return round(width * count)

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = conv(channels, w(32), kernel=3, stride=2)
    layers["conv2"] = conv(w(32), w(32), kernel=3)
    layers["conv3"] = conv(w(32), w(64), kernel=3, padding=1)
    layers["pool1"] = nn.MaxPool2d(3, 2)
    layers["conv4"] = conv(w(64), w(80), kernel=1)
    layers["conv5"] = conv(w(80), w(192), kernel=3)
    layers["pool2"] = nn.MaxPool2d(3, 2)
    before = w(192)
    for number, pool in enumerate((32, 64, 64), start=1):
        layers[f"square{number}"] = inception_square(before, pool, width=width)
        before = 2 * w(64) + w(96) + w(pool)
    layers["reduce1"] = _first_reduction(before, width)
    before = w(384) + w(96) + before
    for number, middle in enumerate((128, 160, 160, 192), start=1):
        layers[f"factorised{number}"] = inception_factorised(before, middle, width=width)
        before = 4 * w(192)
    layers["reduce2"] = _second_reduction(before, width)
    side = [((((size - 1) // 2 - 2) - 1) // 2 - 2 - 1) // 2 for size in (height, breadth)]
    head = _auxiliary(before, ((side[0] - 1) // 2, (side[1] - 1) // 2), outputs=outputs, width=width)
    before = w(320) + w(192) + before
    for number in (1, 2):
        layers[f"expanded{number}"] = inception_expanded(before, width=width)
        before = w(320) + 4 * w(384) + w(192)
    heads = nn.ModuleDict({"factorised4": head})
    last = nn.Linear(before, outputs)
    # 0.4 is the weight in the authors' program.
    return AuxiliaryHeads(nn.Sequential(layers), heads, head=last, dropout=dropout, auxiliary_weight=0.4)


def _first_reduction(channels: int, width: float) -> Stack:
    """Halve the grid by parallel convolution and pooling (figure 10)."""
    c64, c96, c384 = (round(width * count) for count in (64, 96, 384))
    branches: OrderedDict[str, nn.Module] = OrderedDict()
    branches["three"] = conv(channels, c384, kernel=3, stride=2)
    branches["threes"] = nn.Sequential(
        conv(channels, c64, kernel=1), conv(c64, c96, kernel=3, padding=1), conv(c96, c96, kernel=3, stride=2)
    )
    branches["pool"] = nn.MaxPool2d(3, 2)
    return Stack(branches)


def _second_reduction(channels: int, width: float) -> Stack:
    c192 = round(width * 192)
    c320 = round(width * 320)
    branches: OrderedDict[str, nn.Module] = OrderedDict()
    branches["three"] = nn.Sequential(conv(channels, c192, kernel=1), conv(c192, c320, kernel=3, stride=2))
    branches["seven"] = nn.Sequential(
        conv(channels, c192, kernel=1),
        conv(c192, c192, kernel=(1, 7), padding=(0, 3)),
        conv(c192, c192, kernel=(7, 1), padding=(3, 0)),
        conv(c192, c192, kernel=3, stride=2),
    )
    branches["pool"] = nn.MaxPool2d(3, 2)
    return Stack(branches)


def _auxiliary(channels: int, size: tuple[int, int], *, outputs: int, width: float) -> nn.Sequential:
    pool = (min(5, size[0]), min(5, size[1]))  # feature maps of small images are smaller than the windows
    left = ((size[0] - pool[0]) // 3 + 1, (size[1] - pool[1]) // 3 + 1)
    maps = round(width * 128)
    last = round(width * 768)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["pool"] = nn.AvgPool2d(pool, 3)
    layers["conv1"] = conv(channels, maps, kernel=1)
    layers["conv2"] = conv(maps, last, kernel=(min(5, left[0]), min(5, left[1])))
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(last, outputs)
    return nn.Sequential(layers)


INCEPTION_V3 = Network(
    build=lambda settings, facts, outputs: inception_v3(
        input_shape=facts.shape, outputs=outputs, width=settings.width_factor, dropout=settings.dropout
    ),
    page=inception_v3,
    uses=(*HIDDEN, "nn.width_factor"),
    usual=normalised(dropout=0.2),
    published=PublishedData(input=InputFacts((3, 299, 299))),
)
