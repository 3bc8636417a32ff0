"""A nine-layer residual network for small images on small machines (after Page 2018, "How to train your ResNet").

What it has over deeper ones is speed: most of the work is in wide layers on small grids, which processors do well.
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

_SCALE = 0.125  # Page 2018; without it the largest of many rectified numbers make the first answers far too sure.


def resnet9(*, input_shape: Sequence[int], outputs: int, width: int = 16) -> nn.Sequential:
    """Build the network for images of at least 8 x 8: 24 million multiply-adds for 32 x 32 images at width 16.

    Args:
        input_shape: (channels, height, width).
        outputs: numbers returned for one image, unnormalised.
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
    """Pool before normalising, as Jordan 2024 (airbench): four times fewer numbers are normalised and rectified."""
    layers = OrderedDict(convolution_block(channels_in, channels, kernel=3, padding=1).named_children())
    convolution = layers.pop("conv")
    return nn.Sequential(OrderedDict(conv=convolution, pool=nn.MaxPool2d(2), **layers))


def _pair(channels: int) -> Residual:
    first, second = (convolution_block(channels, channels, kernel=3, padding=1) for _ in range(2))
    return Residual(nn.Sequential(first, second), nn.Identity())


def _rate(examples: int) -> float:
    """Return the learning rate: smaller for the smaller batches of fewer examples.

    The head's outputs are scaled by 1/8, and so are its gradients: after three epochs on CIFAR-10, 0.3 gave 79.5 %, 0.1
    75.8 %; unscaled at 0.1 it was 68.6 % (one seed each, validation). In batches of 32 of Fashion-MNIST (width 8, one
    seed, 300 held out): 400 examples, 20 epochs, 0.01 gave 66 %, 0.03 78 %; 1,000, 6 epochs, 0.03 gave 77.7 %, 0.1
    80.7 %, 0.3 81.7 %; 3,000, 3 epochs, 77.3 %, 82.0 %, 83.3 %.
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
