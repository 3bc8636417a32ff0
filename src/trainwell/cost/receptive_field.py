"""Receptive field of a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_CONVOLUTIONS = (_aten.convolution.default, _aten._convolution.default, _aten.convolution_overrideable.default)
_POOLINGS = (_aten.max_pool2d_with_indices.default, _aten.avg_pool2d.default, _aten.max_pool2d.default)
_ADAPTIVE = (_aten._adaptive_avg_pool2d.default, _aten.adaptive_max_pool2d.default, _aten.mean.dim, _aten.amax.default)
_COLUMNS = _aten.im2col.default

Axis = tuple[int, int]  # receptive field and stride, in pixels
Field = tuple[Axis, ...]  # down, across


@final
class ReceptiveFields(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows a forward pass and records the receptive field of every tensor: the side of a square in pixels.

    A filter of side f widens the field r by (f - 1) j, where j is the stride in pixels so far; the layer's stride
    multiplies j, for each axis separately. Where branches meet, the largest field counts; after flattening or global
    pooling the field is the whole image.

    Args:
        inputs: the images, (batch, channels, height, width).

    >>> from torch import nn
    >>> images = torch.zeros(1, 1, 32, 32)
    >>> with ReceptiveFields(images) as fields, torch.no_grad():
    ...     out = nn.Sequential(nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5))(images)
    >>> fields.of(out)
    14
    """

    def __init__(self, inputs: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kept: dict[int, tuple[Tensor, Field]] = {
            id(inputs): (inputs, ((1, 1), (1, 1)))
        }  # kept alive, so that no id is reused

    def of(self, tensor: Tensor) -> int | None:
        """Return the longer side of a tensor's receptive field; None if it does not depend on the images."""
        found = self._kept.get(id(tensor))
        return max(side for side, _ in found[1]) if found else None

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run one operation, and record the receptive fields of its results."""
        result = func(*args, **(kwargs or {}))
        flat = [item for arg in args for item in (arg if isinstance(arg, (list, tuple)) else [arg])]
        seen = [self._kept[id(item)][1] for item in flat if isinstance(item, Tensor) and id(item) in self._kept]
        if seen:
            widest = tuple((max(r for r, _ in axis), max(j for _, j in axis)) for axis in zip(*seen, strict=True))
            field = _after(func, args, field=widest, result=result)
            for item in result if isinstance(result, (list, tuple)) else [result]:
                if isinstance(item, Tensor):
                    self._kept[id(item)] = (item, field)
        return result


def _after(func: Any, args: tuple[Any, ...], *, field: Field, result: Any) -> Field:
    source = args[0] if args and isinstance(args[0], Tensor) else None
    out = result[0] if isinstance(result, (list, tuple)) else result
    if func in _CONVOLUTIONS and args[1].ndim == 4:
        kernel = [dilation * (side - 1) + 1 for side, dilation in zip(args[1].shape[2:], args[5], strict=True)]
        return _slid(field, kernel, stride=args[3])
    if func in _POOLINGS or func is _COLUMNS:
        return _slid(
            field, args[1], stride=args[4] if func is _COLUMNS else (args[2] if len(args) > 2 and args[2] else args[1])
        )
    if source is not None and source.ndim == 4:
        left = out.shape[2:] if out.ndim == 4 else (1, 1)
        if func in _ADAPTIVE or (out.ndim == 2 and out.numel() == source.numel()):
            return _slid(
                field, [side - after + 1 for side, after in zip(source.shape[2:], left, strict=True)], stride=[1]
            )
    return field


def _slid(field: Field, kernel: Sequence[int], *, stride: Sequence[int]) -> Field:
    """Widen each axis by its own side of the filter: a 1x7 filter widens one axis only."""
    sides, strides = (list(pair) * (2 // len(pair)) for pair in (kernel, stride))
    return tuple((r + (f - 1) * j, j * s) for (r, j), f, s in zip(field, sides, strides, strict=True))
