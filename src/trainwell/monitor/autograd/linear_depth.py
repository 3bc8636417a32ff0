"""How many linear layers follow one another without a non-linearity."""

from __future__ import annotations

import itertools
from typing import Any

from trainwell.monitor.autograd.nodes import RESHAPING, nodes, operation, parameters

_MOST_NODES = 64
_WEIGHTED = ("Addmm", "Mm", "Convolution")
_LINEAR = RESHAPING | {*_WEIGHTED, "Add", "NativeDropout"}


def linear_depth(loss: Any) -> int:
    """Return how many linear layers follow one another in the network whose outputs a loss compares.

    Args:
        loss: the node that compares predictions with targets.
    Returns:
        the number of layers; 0 if there is any non-linearity, or if a layer narrower than both ends makes the network
        a low-rank factorisation on purpose.
    """
    depths: dict[Any, int] = {}
    widths: list[tuple[int, int]] = []
    few = [node for node in itertools.islice(nodes(loss), _MOST_NODES + 2) if node is not loss]
    if len(few) > _MOST_NODES:
        return 0
    ordered = sorted(few, key=lambda node: node._sequence_nr())
    for node in ordered:
        name = operation(node)
        is_scaled = name in ("Mul", "Div", "Sub") and sum(other is not None for other, _ in node.next_functions) == 1
        if name not in _LINEAR and not is_scaled and (name != "LogSoftmax" or node is not ordered[-1]):
            return 0
        below = max((depths.get(other, 0) for other, _ in node.next_functions), default=0)
        weights = [p for p in parameters(node) if p.ndim > 1] if name in _WEIGHTED else []
        widths += [(weight[0].numel(), len(weight)) for weight in weights]
        depths[node] = below + bool(weights)
    inner = min((width for _, width in widths[:-1]), default=0)
    is_narrow = bool(widths) and inner < min(widths[0][0], widths[-1][1])
    return 0 if is_narrow else max(depths.values(), default=0)
