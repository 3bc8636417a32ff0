"""What the graph of a loss tells of attention: whether places of a sequence look at later ones."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor

from trainwell.monitor.autograd.graph import nodes, operation


def attends_ahead(loss: Tensor) -> bool:
    """Tell whether some attention of a sequence to itself gives weight to what comes later.

    The weights themselves are looked at, whoever wrote the attention; where torch computes them in one piece and keeps
    none, it has kept whether there was a mask.

    >>> scores = torch.zeros(1, 4, 4, requires_grad=True)
    >>> ahead = torch.ones(4, 4).triu(1).bool()
    >>> attends_ahead(scores.softmax(-1).sum()), attends_ahead(scores.masked_fill(ahead, -1e9).softmax(-1).sum())
    (True, False)
    """
    with torch.no_grad(), contextlib.suppress(RuntimeError):  # what an earlier pass has freed cannot be read
        return any(_looks_ahead(node) for node in nodes(loss.grad_fn))
    return False


def _looks_ahead(node: Any) -> bool:
    name = operation(node)
    if name in ("Softmax", "SafeSoftmax"):
        weights = node._saved_result
        is_square = weights.ndim > 2 and weights.shape[-1] == weights.shape[-2] > 1
        return is_square and bool(weights.flatten(0, -3)[0].triu(1).any())
    if not name.startswith("ScaledDotProduct") or node._saved_is_causal:
        return False
    masks = [getattr(node, name) for name in ("_saved_attn_mask", "_saved_attn_bias") if hasattr(node, name)]
    own = node._saved_query.shape[-2] == node._saved_key.shape[-2] > 1
    return own and all(mask is None for mask in masks)
