"""VGG (Simonyan and Zisserman 2015, table 1): stacks of two or more 3x3 convolutions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.zoo.image import grid, image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import unnormalised

_CHANNELS = (64, 128, 256, 512, 512)
_DEPTHS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # configurations D and E


def vgg(
    *, depth: int, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.5
) -> nn.Sequential:
    """Build VGG-16 or VGG-19 for images of at least 32 x 32; the paper's are 224 x 224.

    Args:
        depth: 16 (138,357,544 parameters) or 19 (143,667,240).
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels and units.
        dropout: probability of dropping a unit of the fully connected layers.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in vgg(depth=16, input_shape=(3, 224, 224), outputs=1000).parameters())
    138357544
    """
    before, *size = image(f"vgg{depth}", input_shape, smallest=32)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for stage, (count, repeats) in enumerate(zip(_CHANNELS, _DEPTHS[depth], strict=True), start=1):
        channels = round(width * count)
        for number in range(1, repeats + 1):
            layers[f"conv{stage}_{number}"] = nn.Conv2d(before, channels, 3, padding=1)
            layers[f"activation{stage}_{number}"] = nn.ReLU()
            before = channels
        layers[f"pool{stage}"] = nn.MaxPool2d(2)
    height, breadth = grid(nn.Sequential(layers), (size[0], size[1]))
    units = round(width * 4096)
    layers["flatten"] = nn.Flatten()
    layers["fc6"] = nn.Linear(before * height * breadth, units)
    layers["activation6"] = nn.ReLU()
    layers["dropout6"] = nn.Dropout(dropout)
    layers["fc7"] = nn.Linear(units, units)
    layers["activation7"] = nn.ReLU()
    layers["dropout7"] = nn.Dropout(dropout)
    layers["head"] = nn.Linear(units, outputs)
    return nn.Sequential(layers)


def _entry(depth: int) -> Network:
    return Network(
        build=lambda settings, facts, outputs: vgg(
            depth=depth,
            input_shape=facts.shape,
            outputs=outputs,
            width=settings.width_factor,
            dropout=settings.dropout,
        ),
        page=vgg,
        uses=(*HIDDEN, "nn.width_factor"),
        usual=unnormalised(dropout=0.5),
        published=PublishedData(input=InputFacts((3, 224, 224))),
    )


VGG16 = _entry(16)
VGG19 = _entry(19)
