"""Nodes of an autograd graph: their operations, the walk over them, and the parameters they use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from torch import Tensor

RESHAPING = frozenset(
    {"View", "UnsafeView", "Squeeze", "Unsqueeze", "Transpose", "Permute", "T", "ToCopy", "Clone", "Alias", "Select"}
    | {"Slice", "Expand", "Contiguous", "AsStrided", "ReshapeAlias"}
)
"""Operations that change the shape, type or order of numbers, not their values."""

_MOST_NODES = 100_000
_DEEPEST = 64
_LEAF = "torch::autograd::AccumulateGrad"


def operation(node: Any) -> str:
    """Return the name of the operation of a node; "" for None.

    >>> import torch
    >>> operation(torch.ones(2, requires_grad=True).sum().grad_fn)
    'Sum'
    """
    return "" if node is None else re.sub(r"Backward\d*$", "", node.name()).rpartition("::")[2]


def operation_words(node: Any) -> str:
    """Return the name of the operation of a node in lower case words: "log softmax"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", operation(node)).lower()


def nodes(root: Any) -> Iterator[Any]:
    """Yield the operations of a graph, starting at its root; leaves are left out."""
    waiting = [root]
    seen = {root}
    while waiting and len(seen) < _MOST_NODES:
        node = waiting.pop()
        if node is None or leaf(node) is not None:
            continue
        yield node
        for below, _ in node.next_functions:
            if below not in seen:
                seen.add(below)
                waiting.append(below)


def leaf(node: Any) -> Tensor | None:
    """Return the tensor whose gradient a node accumulates; None for an operation.

    The name of the node decides: a `torch.autograd.Function` of the user may have an attribute `variable` too.
    """
    if node is None or node.name() != _LEAF:
        return None
    variable: Tensor = node.variable
    return variable


def parameters(node: Any) -> Iterator[Tensor]:
    """Yield the leaf tensors that an operation uses, also those it uses transposed."""
    for below, _ in node.next_functions:
        if operation(below) == "T":
            below = below.next_functions[0][0]
        if (variable := leaf(below)) is not None:
            yield variable


def first_operation(node: Any) -> Any:
    """Return the first operation below a node that is not a leaf; None if there is none."""
    return next((below for below, _ in node.next_functions if below is not None and leaf(below) is None), None)


def below(node: Any, passing: frozenset[str] | set[str] = RESHAPING) -> Any:
    """Return the first node below a node that is not one of the `passing` operations; None if there is none."""
    for _ in range(_DEEPEST):
        lower = next((other for other, _ in node.next_functions if other is not None), None)
        if lower is None or operation(lower) not in passing:
            return lower
        node = lower
    return None
