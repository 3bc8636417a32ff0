"""Normalisations by name; the docstring of each is its page in `trainwell about`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers.decorrelate import DecorrelatedBatchNorm


def batch(channels: int) -> nn.Module:
    """Batch normalisation: zero mean and unit variance of each feature map over a batch.

    Formula: y = g (x - mean) / sqrt(variance + e) + b; running averages at prediction
    Use: convolutional networks with batches of 16 and more.
    Cost: two weights per map; examples of a batch influence each other, and batches of one to four are too noisy.
    Lab: batch_norm
    Source: Ioffe and Szegedy 2015
    """
    return nn.BatchNorm2d(channels)


def layer(channels: int) -> nn.Module:
    """Layer normalisation: zero mean and unit variance over all channels and positions of one example.

    Formula: y = g (x - mean) / sqrt(variance + e) + b, the same in training and at prediction
    Use: recurrent networks and transformers, small batches.
    Cost: two weights per channel.
    Source: Ba et al. 2016
    """
    return nn.GroupNorm(1, channels)


def instance(channels: int) -> nn.Module:
    """Instance normalisation: zero mean and unit variance of each feature map of one example.

    Formula: y = g (x - mean) / sqrt(variance + e) + b
    Use: style transfer: removes contrast and brightness of an image.
    Cost: two weights per map; the mean of a map is lost, so classifiers suffer. Not for fully connected layers.
    Source: Ulyanov et al. 2016
    """
    return nn.InstanceNorm2d(channels, affine=True)


def group(channels: int) -> nn.Module:
    """Group normalisation: zero mean and unit variance over a group of channels of one example.

    Formula: as layer, in up to 32 groups of at least two channels
    Use: convolutional networks with small batches: independent of the batch size.
    Cost: two weights per channel.
    Lab: batch_norm
    Source: Wu and He 2018
    """
    groups = next(
        count for count in (32, 16, 8, 4, 2, 1) if channels % count == 0 and channels >= 2 * count or count == 1
    )
    return nn.GroupNorm(groups, channels)


def decorrelated(channels: int) -> nn.Module:
    """Decorrelated batch normalisation: whitens the features over the batch (unit variance, no correlation).

    Formula: y = g S^(-1/2) (x - mean) + b, S the covariance over examples and positions
    Use: few channels, large batches, ill-conditioned layers.
    Cost: one eigendecomposition per step and channels² running numbers; needs more samples than channels.
    Lab: whitening
    Source: Huang et al. 2018
    """
    return DecorrelatedBatchNorm(channels)


def local_response(channels: int) -> nn.Module:
    """Local response normalisation: neighbouring channels at one position compete.

    Formula: y = x / (2 + 1e-4/5 sum of x² over five channels)^0.75
    Use: to rebuild AlexNet; later networks found little use in it.
    Cost: no weights. Not for fully connected layers.
    Lab: local_response
    Source: Krizhevsky et al. 2012, section 3.3
    """
    return nn.LocalResponseNorm(5, k=2.0)


def none(channels: int) -> nn.Module:
    """No normalisation, even where the network was designed with one.

    Formula: y = x
    Use: to measure the effect of normalisation.
    Cost: none, but deep networks need a smaller learning rate.
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
