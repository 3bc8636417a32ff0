"""Multiply-adds of a forward pass."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import call_network


def output_side(side: int, *, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Return the output side of a convolution or pooling: floor((n + 2p - f) / s) + 1.

    Args:
        side: side of the input (n).
        kernel: side of the filter (f); with dilation it spans dilation * (f - 1) + 1.
        stride: pixels between two positions of the filter (s).
        padding: zeros added on each side (p).
        dilation: distance between neighbours in the filter.

    >>> output_side(224, kernel=11, stride=4, padding=2)
    55
    """
    return (side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def multiply_adds(model: nn.Module, batch: Batch) -> Mapping[str, int]:
    """Run a forward pass and count its multiply-adds: matrix products, convolutions, attention.

    Additions of biases, normalisation and non-linearities are not counted, as is usual.

    Args:
        model: the network, in eval mode; may be on the meta device, where nothing is computed.
        batch: its input.
    Returns:
        multiply-adds of each module by name, including its children; "" is the whole network.

    >>> batch = Batch({"inputs": torch.zeros(1, 5)})
    >>> multiply_adds(nn.Sequential(nn.Linear(5, 3), nn.Linear(3, 2)), batch)
    {'': 21, '0': 15, '1': 6}
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        call_network(model, batch)
    root = type(model).__name__
    counts = {name: sum(operations.values()) // 2 for name, operations in counter.get_flop_counts().items()}
    below = {name[len(root) + 1 :]: count for name, count in counts.items() if name.startswith(root + ".")}
    return {"": counts.get("Global", 0), **below}
