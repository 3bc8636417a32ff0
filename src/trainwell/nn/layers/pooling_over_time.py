"""From the features of every position to those of the whole sequence; padding never counts [A14]."""

from __future__ import annotations

from torch import Tensor

from trainwell.core.catalogue import Catalogue

PADDING = 0  # the token number of padding, in every vocabulary


def token_mask(tokens: Tensor, mask: Tensor | None) -> Tensor:
    """Return which positions count: those of the mask, or where there is none, all tokens but padding.

    Args:
        tokens: (B, T) int64.
        mask: (B, T) bool or None.
    """
    return tokens != PADDING if mask is None else mask


def last(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the features of the last position that counts.

    Args:
        features: (B, T, D).
        mask: (B, T) bool, True where a position counts; padding comes last. None: all count.
    Returns:
        (B, D).
    """
    if mask is None:
        return features[:, -1]
    places = (mask.sum(dim=1) - 1).clamp(min=0)
    return features.gather(1, places[:, None, None].expand(-1, 1, features.shape[2])).squeeze(1)


def mean(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean over the positions that count; shapes as for `last`."""
    if mask is None:
        return features.mean(dim=1)
    counts = mask.sum(dim=1, keepdim=True).clamp(min=1)
    return (features * mask.unsqueeze(2)).sum(dim=1) / counts


def maximum(features: Tensor, mask: Tensor | None) -> Tensor:
    """Return the largest value of each feature over the positions that count; shapes as for `last`."""
    if mask is None:
        return features.amax(dim=1)
    return features.masked_fill(~mask.unsqueeze(2), float("-inf")).amax(dim=1)


OVER_TIME = Catalogue("pooling over time", {"last": last, "mean": mean, "max": maximum})
