"""Normalisations by name; the docstring of each is its page in `trainwell about`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers.decorrelate import DecorrelatedBatchNorm


def batch(channels: int) -> nn.Module:
    """Zero mean and unit variance of each feature map over the examples and positions of a batch.

    Formula: y = g (x - mean) / sqrt(variance + e) + b; running averages stand in at prediction
    Use: convolution networks with batches of 16 and more.
    Cost: two weights a map; examples of a batch influence each other, and batches of one to four are too noisy.
    Lab: batch_norm
    Source: Ioffe and Szegedy 2015
    """
    return nn.BatchNorm2d(channels)


def layer(channels: int) -> nn.Module:
    """Zero mean and unit variance over all channels and positions of one example.

    Formula: y = g (x - mean) / sqrt(variance + e) + b, the same in training and at prediction
    Use: recurrent networks and transformers, small batches.
    Cost: two weights a channel.
    Source: Ba et al. 2016
    """
    return nn.GroupNorm(1, channels)


def instance(channels: int) -> nn.Module:
    """Zero mean and unit variance over the positions of each feature map of one example.

    Formula: y = g (x - mean) / sqrt(variance + e) + b
    Use: style transfer: contrast and brightness of an image are taken out.
    Cost: two weights a map; what a map's mean said is lost, so classifiers suffer. Not for flat layers.
    Source: Ulyanov et al. 2016
    """
    return nn.InstanceNorm2d(channels, affine=True)


def group(channels: int) -> nn.Module:
    """Zero mean and unit variance over positions and a group of channels of one example.

    Formula: as layer, in up to 32 groups of at least two channels
    Use: convolution networks whose batches are small: the batch size does not enter.
    Cost: two weights a channel.
    Lab: batch_norm
    Source: Wu and He 2018
    """
    groups = next(
        count for count in (32, 16, 8, 4, 2, 1) if channels % count == 0 and channels >= 2 * count or count == 1
    )
    return nn.GroupNorm(groups, channels)


def decorrelated(channels: int) -> nn.Module:
    """Whiten the features over the batch: unit variance, and no feature tells of another.

    Formula: y = g S^(-1/2) (x - mean) + b, S the covariance over examples and positions
    Use: few channels, large batches, badly conditioned layers.
    Cost: an eigendecomposition a step and channels² running numbers; batches must be larger than the channels.
    Lab: whitening
    Source: Huang et al. 2018
    """
    return DecorrelatedBatchNorm(channels)


def local_response(channels: int) -> nn.Module:
    """Let neighbouring channels at one position compete.

    Formula: y = x / (2 + 1e-4/5 sum of x² over five channels)^0.75
    Use: to rebuild AlexNet; later networks found little use in it.
    Cost: no weights. Not for flat layers.
    Lab: local_response
    Source: Krizhevsky et al. 2012, section 3.3
    """
    return nn.LocalResponseNorm(5, k=2.0)


def none(channels: int) -> nn.Module:
    """Leave features as they are, also where the network was designed with a normalisation.

    Formula: y = x
    Use: to see what a normalisation is worth.
    Cost: none, but deep networks need smaller rates.
    Lab: batch_norm
    """
    return nn.Identity()


NORMALISATIONS: Catalogue[Callable[[int], nn.Module]] = Catalogue(
    "normalisation",
    {
        "batch": batch,
        "layer": layer,
        "instance": instance,
        "group": group,
        "decorrelated": decorrelated,
        "local_response": local_response,
        "none": none,
    },
)
