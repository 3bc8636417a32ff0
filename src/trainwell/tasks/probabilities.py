"""Entropy and averaging of binary and class probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def binary_entropy(share: float) -> float:
    """Return the entropy in nats of a binary variable with this probability.

    >>> round(binary_entropy(0.5), 4), binary_entropy(1.0) == 0
    (0.6931, True)
    """
    return float(-sum(p * np.log(p) for p in (share, 1 - share) if p > 0))


def mean_logit(probabilities: Sequence[Tensor]) -> Tensor:
    """Return the logits of the mean of several probabilities.

    >>> mean_logit([torch.tensor([0.2]), torch.tensor([0.8])])
    tensor([0.])
    """
    total = probabilities[0]
    for part in probabilities[1:]:
        total = total + part
    return torch.logit(total / len(probabilities), eps=1e-7)


def mean_of_probabilities(many: Sequence[Tensor]) -> Tensor:
    """Return logits whose probabilities are the mean of the probabilities of several logits, (..., classes) each.

    >>> certain = torch.tensor([100.0, 0.0])
    >>> mean_of_probabilities([certain, -certain]).softmax(dim=-1)
    tensor([0.5000, 0.5000])
    """
    total = many[0].softmax(dim=-1)
    for logits in many[1:]:
        total = total + logits.softmax(dim=-1)
    return (total / len(many)).clamp_min(1e-30).log()
