"""Where the first NaN or infinity of a loss came from."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor

from trainwell.monitor.autograd.nodes import first_operation, nodes, operation, operation_words, parameters

WHOLE_LOSS = "the loss as a whole"
"""Origin of a non-finite number if no single operation can be named."""

_LOGARITHMS = ("log", "log2", "log10")


def nonfinite_origin(loss: Tensor, names: dict[int, str], *, of_gradient: bool = False) -> tuple[str, float]:
    """Find the first operation, in the order of the forward pass, that made a number NaN or infinite.

    Args:
        loss: the loss, before its backward pass.
        names: names of the parameters by their `id`.
        of_gradient: find what will make the gradient non-finite although the loss is finite, as sqrt(0) does.
    Returns:
        "input", "target", "weights", or an operation ("log after head"); and the share of its numbers that is not
        finite.

    >>> x = torch.tensor([0.0, 1.0], requires_grad=True)
    >>> nonfinite_origin((torch.log(x * 2) * 3).sum(), {id(x): "head.weight"})
    ('log after head', 0.5)
    """
    last = ""
    with torch.no_grad():
        for node in sorted(nodes(loss.grad_fn), key=lambda node: (node._sequence_nr(), node.name())):
            if not all(bool(torch.isfinite(parameter).all()) for parameter in parameters(node)):
                return "weights", 1.0
            if (found := _nonfinite_at(node, of_gradient=of_gradient)) is not None:
                origin, share = found
                return origin if origin in ("input", "target") or not last else f"{origin} after {last}", share
            for parameter in parameters(node):
                last = names.get(id(parameter), "").rpartition(".")[0] or last
    return WHOLE_LOSS, 1.0


def origin_signal(origin: str) -> str:
    """Return the name of the signal that records an origin.

    >>> origin_signal("input"), origin_signal("log after head")
    ('input/nonfinite_fraction', 'code/nonfinite/log after head')
    """
    return f"{origin}/nonfinite_fraction" if origin in ("input", "target") else f"code/nonfinite/{origin}"


def _nonfinite_at(node: Any, *, of_gradient: bool) -> tuple[str, float] | None:
    """Return the operation that made non-finite numbers and their share, as far as this node has saved them."""
    own = operation_words(node)
    for name in dir(node):
        if not name.startswith("_saved_"):
            continue
        with contextlib.suppress(RuntimeError):  # freed already by this pass
            saved = getattr(node, name)
            if not isinstance(saved, Tensor) or not saved.is_floating_point() or not saved.numel():
                continue
            bad = ~torch.isfinite(saved)
            if bad.any():
                return _origin_of_saved(node, name), float(bad.float().mean())
            # These operations give infinity without saving it.
            outside = saved <= 0 if own in _LOGARITHMS else saved == 0
            infinite = own in _LOGARITHMS or (own, name) == ("div", "_saved_other")
            if (infinite or (of_gradient and own == "sqrt")) and outside.any():
                return own, float(outside.float().mean())
    return None


def _origin_of_saved(node: Any, name: str) -> str:
    """Return what computed the non-finite tensor that a node has saved under a name."""
    if name == "_saved_target":
        return "target"
    if name == "_saved_result":
        return operation_words(node)
    below = first_operation(node)
    return "input" if below is None or operation(below) == "T" else operation_words(below)
