"""Pooling of the features of all positions to those of the sequence; padding is ignored [A14]."""

from __future__ import annotations

from torch import Tensor

from trainwell.core.catalogue import Catalogue

PADDING = 0  # the token number of padding, in every vocabulary


def token_mask(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mask of valid positions; without a mask, all tokens but padding.

    Args:
        tokens: (B, T) int64.
        mask: (B, T) bool or None.
    """
    return tokens != PADDING if mask is None else mask


def last(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the features of the last valid position.

    Args:
        features: (B, T, D).
        mask: (B, T) bool, True for valid positions; padding comes last. None: all are valid.
    Returns:
        (B, D).
    """
    if mask is None:
        return features[:, -1]
    places = (mask.sum(dim=1) - 1).clamp(min=0)
    return features.gather(1, places[:, None, None].expand(-1, 1, features.shape[2])).squeeze(1)


def mean(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean over the valid positions; shapes as for `last`."""
    if mask is None:
        return features.mean(dim=1)
    counts = mask.sum(dim=1, keepdim=True).clamp(min=1)
    return (features * mask.unsqueeze(2)).sum(dim=1) / counts


def maximum(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the maximum of each feature over the valid positions; shapes as for `last`."""
    if mask is None:
        return features.amax(dim=1)
    return features.masked_fill(~mask.unsqueeze(2), float("-inf")).amax(dim=1)


OVER_TIME = Catalogue("pooling over time", {"last": last, "mean": mean, "max": maximum})
