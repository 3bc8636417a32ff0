"""Normalisation of feature maps by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers.decorrelate import DecorrelatedBatchNorm


def _group(channels: int) -> nn.Module:
    # Wu and He 2018 use 32 groups; with few channels a group keeps at least two.
    groups = next(
        count for count in (32, 16, 8, 4, 2, 1) if channels % count == 0 and channels >= 2 * count or count == 1
    )
    return nn.GroupNorm(groups, channels)


NORMALISATIONS: Catalogue[Callable[[int], nn.Module]] = Catalogue(
    "normalisation",
    {
        "batch": nn.BatchNorm2d,  # Ioffe and Szegedy 2015: over examples and positions, running averages at prediction
        "layer": lambda channels: nn.GroupNorm(1, channels),  # Ba et al. 2016: over channels and positions
        "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),  # Ulyanov et al. 2016: over positions
        "group": _group,  # over the channels of a group and positions
        "decorrelated": DecorrelatedBatchNorm,  # Huang et al. 2018
        "local_response": lambda channels: nn.LocalResponseNorm(5, k=2.0),  # Krizhevsky et al. 2012, section 3.3
        "none": lambda channels: nn.Identity(),
    },
)
