"""Residual networks (He, Zhang, Ren, Sun 2016): for photos (table 1) and for 32 x 32 images (section 4.2)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.residual import residual_block
from trainwell.nn.zoo.image import image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import normalised

# Table 1: blocks of each stage; from 50 layers on they are bottlenecks.
_STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
_BOTTLENECK_FROM = 50


def resnet(*, depth: int, input_shape: Sequence[int], outputs: int, width: float = 1.0) -> nn.Sequential:
    """Build a residual network for photos of at least 32 x 32; the paper's are 224 x 224.

    Shortcuts are projected where shapes differ (option B). Bottlenecks downsample in their first 1x1
    convolution, as in the paper; later versions do it in the 3x3, with the same parameters and 7 % more multiply-adds.

    Args:
        depth: 18, 34, 50, 101 or 152 layers.
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in resnet(depth=50, input_shape=(3, 224, 224), outputs=1000).parameters())
    25557032
    """
    channels = image(f"resnet{depth}", input_shape, smallest=32)[0]
    before = round(width * 64)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(channels, before, 7, stride=2, padding=3, bias=False)
    layers["norm"] = nn.BatchNorm2d(before)
    layers["activation"] = nn.ReLU()
    layers["pool"] = nn.MaxPool2d(3, 2, padding=1)
    for stage, blocks in enumerate(_STAGES[depth]):
        middle = round(width * 64) * 2**stage
        after = 4 * middle if depth >= _BOTTLENECK_FROM else middle
        row = []
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            inner = middle if depth >= _BOTTLENECK_FROM else 0
            row.append(residual_block(before, after, middle=inner, stride=stride))
            before = after
        layers[f"stage{stage + 1}"] = nn.Sequential(*row)
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(before, outputs)
    return nn.Sequential(layers)


def resnet20(*, input_shape: Sequence[int], outputs: int, width: int = 16) -> nn.Sequential:
    """Build the 20-layer network of the paper's table 6, with shortcuts that need no parameters (option A).

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: channels of the first stage.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> net = resnet20(input_shape=(3, 32, 32), outputs=10)
    >>> sum(p.numel() for p in net.parameters())
    269722
    """
    before = width
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(image("resnet20", input_shape, smallest=8)[0], before, 3, padding=1, bias=False)
    layers["norm"] = nn.BatchNorm2d(before)
    layers["activation"] = nn.ReLU()
    row = []
    for stage in range(3):
        for block in range(3):
            stride = 2 if stage > 0 and block == 0 else 1
            row.append(residual_block(before, width * 2**stage, stride=stride, zero_pad=True))
            before = width * 2**stage
    layers["stages"] = nn.Sequential(*row)
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["head"] = nn.Linear(before, outputs)
    return nn.Sequential(layers)


def _entry(depth: int) -> Network:
    return Network(
        build=lambda settings, facts, outputs: resnet(
            depth=depth, input_shape=facts.shape, outputs=outputs, width=settings.width_factor
        ),
        page=resnet,
        uses=(*HIDDEN, "nn.width_factor"),
        usual=normalised(),
        published=PublishedData(input=InputFacts((3, 224, 224))),
    )


RESNET18 = _entry(18)
RESNET34 = _entry(34)
RESNET50 = _entry(50)
RESNET101 = _entry(101)
RESNET152 = _entry(152)
RESNET20 = Network(
    build=lambda settings, facts, outputs: resnet20(input_shape=facts.shape, outputs=outputs, width=settings.width),
    page=resnet20,
    uses=(*HIDDEN, "nn.width"),
    usual=normalised(),
    published=PublishedData(input=InputFacts((3, 32, 32)), classes=10),
)
