"""Whether attention within a sequence looks at later positions, as the autograd graph of a loss tells."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor

from trainwell.monitor.autograd.nodes import nodes, operation


def attends_ahead(loss: Tensor) -> bool:
    """Tell whether any self-attention gives weight to later positions: the causal mask is missing.

    The attention weights themselves are read, so it does not matter who wrote the layer. Fused kernels keep no weights
    but keep whether there was a mask.

    >>> scores = torch.zeros(1, 4, 4, requires_grad=True)
    >>> ahead = torch.ones(4, 4).triu(1).bool()
    >>> attends_ahead(scores.softmax(-1).sum()), attends_ahead(scores.masked_fill(ahead, -1e9).softmax(-1).sum())
    (True, False)
    """
    with torch.no_grad(), contextlib.suppress(RuntimeError):  # tensors freed by an earlier pass cannot be read
        return any(_node_attends_ahead(node) for node in nodes(loss.grad_fn))
    return False


def _node_attends_ahead(node: Any) -> bool:
    name = operation(node)
    if name in ("Softmax", "SafeSoftmax"):
        weights = node._saved_result
        is_square = weights.ndim > 2 and weights.shape[-1] == weights.shape[-2] > 1
        return is_square and bool(weights.flatten(0, -3)[0].triu(1).any())
    if not name.startswith("ScaledDotProduct") or node._saved_is_causal:
        return False
    masks = [getattr(node, name) for name in ("_saved_attn_mask", "_saved_attn_bias") if hasattr(node, name)]
    is_self_attention = node._saved_query.shape[-2] == node._saved_key.shape[-2] > 1
    return is_self_attention and all(mask is None for mask in masks)
