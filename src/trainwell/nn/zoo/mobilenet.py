"""MobileNet (Howard et al. 2017, table 1): depthwise separable convolutions and a width multiplier."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.convolution import convolution_block
from trainwell.nn.layers.separable import depthwise_separable
from trainwell.nn.zoo.image import image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import normalised

# Table 1: channels and stride of each separable block.
_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))


def mobilenet(*, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.001) -> nn.Sequential:
    """Build MobileNet for images of at least 32 x 32; the paper's are 224 x 224.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: the paper's multiplier alpha: 1 gives 4.2 M parameters and 569 M multiply-adds, 0.5 1.3 M and 149 M.
        dropout: probability of dropping an input of the last layer (0.001 in the authors' program).
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> sum(p.numel() for p in mobilenet(input_shape=(3, 224, 224), outputs=1000).parameters())
    4231976
    """
    channels = image("mobilenet", input_shape, smallest=32)[0]
    before = round(width * 32)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = convolution_block(channels, before, kernel=3, stride=2, padding=1)
    for number, (count, stride) in enumerate(_BLOCKS, start=1):
        layers[f"separable{number}"] = depthwise_separable(before, round(width * count), stride=stride)
        before = round(width * count)
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(dropout)
    layers["head"] = nn.Linear(before, outputs)
    return nn.Sequential(layers)


MOBILENET = Network(
    build=lambda settings, facts, outputs: mobilenet(
        input_shape=facts.shape, outputs=outputs, width=settings.width_factor, dropout=settings.dropout
    ),
    page=mobilenet,
    uses=(*HIDDEN, "nn.width_factor"),
    usual=normalised(dropout=0.001),
    published=PublishedData(input=InputFacts((3, 224, 224))),
)
