"""GoogLeNet (Szegedy et al. 2015, table 1): nine inception modules, and two auxiliary heads for training."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.auxiliary import AuxiliaryHeads
from trainwell.nn.layers.convolution import convolution_block as conv
from trainwell.nn.layers.inception import inception
from trainwell.nn.zoo.image import grid, image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import unnormalised

# Table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection; None is max pooling.
_MODULES: dict[str, tuple[int, int, int, int, int, int] | None] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
_HEADS_AFTER = {"4a": 512, "4d": 528}  # name of the module to its channels


def googlenet(
    *, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.4, separable: bool = True
) -> AuxiliaryHeads:
    """Build GoogLeNet for images of at least 32 x 32; the paper's are 224 x 224.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels.
        dropout: probability of dropping an input of the last layer.
        separable: the first 7x7 convolution is depthwise, 8 filters per colour channel, and pointwise 1x1: the 2.7 K
            parameters and 34 M operations of the paper's table 1 (6,991,856 and 1.50 G in total). False gives the
            full convolution of the Caffe model (6,998,552 and 1.58 G).
    Raises:
        UsageError: if the input is not an image or is too small.
    """
    channels, *size = image("googlenet", input_shape, smallest=32)
    c64 = round(width * 64)
    c192 = round(width * 192)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    if separable:
        layers["depthwise1"] = nn.Conv2d(channels, 8 * channels, 7, stride=2, padding=3, groups=channels, bias=False)
        layers["conv1"] = conv(8 * channels, c64, kernel=1, norm=False)
    else:
        layers["conv1"] = conv(channels, c64, kernel=7, stride=2, padding=3, norm=False)
    layers["pool1"] = nn.MaxPool2d(3, 2, ceil_mode=True)
    layers["norm1"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
    layers["reduce2"] = conv(c64, c64, kernel=1, norm=False)
    layers["conv2"] = conv(c64, c192, kernel=3, padding=1, norm=False)
    layers["norm2"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
    layers["pool2"] = nn.MaxPool2d(3, 2, ceil_mode=True)
    now = grid(nn.Sequential(layers), (size[0], size[1]))
    at = {}
    before = c192
    for name, columns in _MODULES.items():
        if columns is None:
            layers[name] = nn.MaxPool2d(3, 2, ceil_mode=True)
            now = grid(layers[name], now)
            continue
        one, reduce3, three, reduce5, five, pool = (round(width * column) for column in columns)
        layers[name] = inception(before, (one, reduce3, three, reduce5, five, pool))
        before = one + three + five + pool
        if name in _HEADS_AFTER:
            at[name] = _auxiliary(before, now, outputs=outputs, width=width)
    head = nn.Linear(before, outputs)
    heads = nn.ModuleDict(at)
    return AuxiliaryHeads(nn.Sequential(layers), heads, head=head, dropout=dropout, auxiliary_weight=0.3)  # section 5


def _auxiliary(channels: int, size: tuple[int, int], *, outputs: int, width: float) -> nn.Sequential:
    """Build a head of section 5: 5x5 average pooling with stride 3, 1x1 convolution, two fully connected layers."""
    kernel = (min(5, size[0]), min(5, size[1]))  # feature maps of small images are smaller than the window
    places = ((size[0] - kernel[0]) // 3 + 1) * ((size[1] - kernel[1]) // 3 + 1)
    maps = round(width * 128)
    units = round(width * 1024)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["pool"] = nn.AvgPool2d(kernel, 3)
    layers["conv"] = conv(channels, maps, kernel=1, norm=False)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(maps * places, units)
    layers["activation"] = nn.ReLU()
    layers["dropout"] = nn.Dropout(0.7)
    layers["head"] = nn.Linear(units, outputs)
    return nn.Sequential(layers)


GOOGLENET = Network(
    build=lambda settings, facts, outputs: googlenet(
        input_shape=facts.shape, outputs=outputs, width=settings.width_factor, dropout=settings.dropout
    ),
    page=googlenet,
    uses=(*HIDDEN, "nn.width_factor"),
    usual=unnormalised(dropout=0.4),
    published=PublishedData(input=InputFacts((3, 224, 224))),
)
