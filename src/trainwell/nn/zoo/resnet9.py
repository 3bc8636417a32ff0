"""A nine-layer residual network for small images on small machines (after Page 2018, "How to train your ResNet").

It is faster than deeper networks: most of the work is in wide layers on small grids, which CPUs do efficiently.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.convolution import convolution_block
from trainwell.nn.layers.residual import Residual
from trainwell.nn.layers.scale import Scale
from trainwell.nn.zoo.image import image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import normalised

_SCALE = 0.125  # Page 2018; without it the maxima of many ReLU outputs make the initial predictions overconfident.


def resnet9(*, input_shape: Sequence[int], outputs: int, width: int = 16) -> nn.Sequential:
    """Build the network for images of at least 8 x 8: 24 million multiply-adds for 32 x 32 images at width 16.

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: channels of the first convolution; the last has eight times as many.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> sum(p.numel() for p in resnet9(input_shape=(3, 32, 32), outputs=10).parameters())
    412954
    """
    channels = image("resnet9", input_shape, smallest=8)[0]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = convolution_block(channels, width, kernel=3, padding=1)
    for stage, (before, after) in enumerate([(1, 2), (2, 4), (4, 8)], start=1):
        layers[f"conv{stage}"] = _pooled(before * width, after * width)
        if stage != 2:
            layers[f"residual{stage}"] = _pair(after * width)
    layers["most"] = nn.AdaptiveMaxPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["scale"] = Scale(_SCALE)
    layers["head"] = nn.Linear(8 * width, outputs)
    return nn.Sequential(layers)


def _pooled(channels_in: int, channels: int) -> nn.Sequential:
    """Pool before normalising, as in Jordan 2024 (airbench): a quarter of the numbers to normalise and rectify."""
    layers = OrderedDict(convolution_block(channels_in, channels, kernel=3, padding=1).named_children())
    convolution = layers.pop("conv")
    return nn.Sequential(OrderedDict(conv=convolution, pool=nn.MaxPool2d(2), **layers))


def _pair(channels: int) -> Residual:
    first, second = (convolution_block(channels, channels, kernel=3, padding=1) for _ in range(2))
    return Residual(nn.Sequential(first, second), nn.Identity())


def _rate(examples: int) -> float:
    """Return the learning rate: smaller for the smaller batches of fewer examples.

    The logits are scaled by 1/8, and so are their gradients. Validation accuracy after three epochs on CIFAR-10:
    79.5 % at 0.3, 75.8 % at 0.1, and 68.6 % at 0.1 without scaling (one seed each). Fashion-MNIST in batches of 32
    (width 8, one seed, 300 held out): 400 examples, 20 epochs: 66 % at 0.01, 78 % at 0.03; 1,000 examples, 6 epochs:
    77.7 % at 0.03, 80.7 % at 0.1, 81.7 % at 0.3; 3,000 examples, 3 epochs: 77.3 %, 82.0 %, 83.3 %.
    """
    if examples >= 5000:
        return 0.3
    return 0.1 if examples >= 1000 else 0.03


RESNET9 = Network(
    build=lambda settings, facts, outputs: resnet9(input_shape=facts.shape, outputs=outputs, width=settings.width),
    page=resnet9,
    uses=(*HIDDEN, "nn.width"),
    usual=normalised(rate=_rate),
    published=PublishedData(input=InputFacts((3, 32, 32)), classes=10),
)
