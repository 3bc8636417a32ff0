"""DeepFace (Taigman, Yang, Ranzato, Wolf 2014, figure 2): locally connected layers for aligned faces."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.nn.layers.local import LocallyConnected2d
from trainwell.nn.zoo.image import grid, image
from trainwell.nn.zoo.network import HIDDEN, Network, PublishedData
from trainwell.nn.zoo.suited import unnormalised


def deepface(*, input_shape: Sequence[int], outputs: int, width: float = 1.0, dropout: float = 0.5) -> nn.Sequential:
    """Build DeepFace for images of at least 72 x 72; the paper has 4,030 people and images of 152 x 152.

    The input of `head` is the embedding of the face: compare two faces by the distance of their embeddings (A13).

    Args:
        input_shape: (channels, height, width).
        outputs: number of outputs per image (logits).
        width: multiplier of the numbers of channels and units.
        dropout: probability of dropping a unit of the embedding.
    Raises:
        UsageError: if the input is not an image or is too small.

    >>> import torch
    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in deepface(input_shape=(3, 152, 152), outputs=4030).parameters())
    118923774
    """
    channels, *size = image("deepface", input_shape, smallest=72)
    c32, c16, units = (round(width * count) for count in (32, 16, 4096))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(channels, c32, 11)
    layers["activation1"] = nn.ReLU()
    layers["pool2"] = nn.MaxPool2d(3, 2, ceil_mode=True)
    layers["conv3"] = nn.Conv2d(c32, c16, 9)
    layers["activation3"] = nn.ReLU()
    places = grid(nn.Sequential(layers), (size[0], size[1]))
    for number, (kernel, stride) in enumerate([(9, 1), (7, 2), (5, 1)], start=4):
        layer = LocallyConnected2d(c16, c16, kernel=kernel, size=places, stride=stride)
        layers[f"local{number}"] = layer
        layers[f"activation{number}"] = nn.ReLU()
        places = layer.places
    layers["flatten"] = nn.Flatten()
    layers["fc7"] = nn.Linear(c16 * places[0] * places[1], units)
    layers["activation7"] = nn.ReLU()
    layers["dropout7"] = nn.Dropout(dropout)
    layers["head"] = nn.Linear(units, outputs)
    return nn.Sequential(layers)


DEEPFACE = Network(
    build=lambda settings, facts, outputs: deepface(
        input_shape=facts.shape, outputs=outputs, width=settings.width_factor, dropout=settings.dropout
    ),
    page=deepface,
    uses=(*HIDDEN, "nn.width_factor"),
    usual=unnormalised(dropout=0.5),
    published=PublishedData(input=InputFacts((3, 152, 152)), classes=4030),
)
