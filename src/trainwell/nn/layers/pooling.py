"""Poolings by name; the docstring of each is its page in `trainwell about`."""

from __future__ import annotations

from typing import Protocol

from torch import nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers.stochastic_pooling import StochasticPool2d


class Pooling(Protocol):
    """Builds a pooling layer."""

    def __call__(self, size: int, *, stride: int, padding: int, ceil: bool = False) -> nn.Module:
        """Build it for windows of side `size`, `stride` apart, with `padding` zeros around the image.

        With `ceil` an incomplete window at the border counts too, as with torch's `ceil_mode`.
        """


def maximum(size: int, *, stride: int, padding: int, ceil: bool = False) -> nn.Module:
    """Max pooling: the largest activation of each window.

    Formula: max over the window; output height floor((h + 2p - f) / s) + 1
    Use: the default of classifiers; windows larger than their stride overlap (AlexNet).
    Cost: no weights; only the maximum gets a gradient.
    Lab: stochastic_pooling
    """
    return nn.MaxPool2d(size, stride=stride, padding=padding, ceil_mode=ceil)


def average(size: int, *, stride: int, padding: int, ceil: bool = False) -> nn.Module:
    """Average pooling: the mean activation of each window.

    Formula: sum over the window / f²
    Use: before the head (global), where texture matters more than single features.
    Cost: no weights; strong features are diluted.
    Lab: stochastic_pooling
    """
    return nn.AvgPool2d(size, stride=stride, padding=padding, ceil_mode=ceil)


def stochastic(size: int, *, stride: int, padding: int, ceil: bool = False) -> nn.Module:
    """Stochastic pooling: an activation drawn at random in proportion to its size; its expectation at prediction.

    Formula: P(a_i) = a_i / sum a; at prediction sum a_i² / sum a
    Use: convolutional networks that overfit; after ReLU, because negative activations count as zero.
    Cost: no weights; slower than max pooling, noise in training.
    Lab: stochastic_pooling
    Source: Zeiler and Fergus 2013
    """
    return StochasticPool2d(size, stride=stride, padding=padding, ceil=ceil)


POOLINGS: Catalogue[Pooling] = Catalogue("pooling", {"max": maximum, "average": average, "stochastic": stochastic})
