"""How much of the picture one number of a layer sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, final

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_aten = torch.ops.aten
_CONVOLUTIONS = (_aten.convolution.default, _aten._convolution.default, _aten.convolution_overrideable.default)
_POOLINGS = (_aten.max_pool2d_with_indices.default, _aten.avg_pool2d.default, _aten.max_pool2d.default)
_ADAPTIVE = (_aten._adaptive_avg_pool2d.default, _aten.adaptive_max_pool2d.default, _aten.mean.dim, _aten.amax.default)
_COLUMNS = _aten.im2col.default

Field = tuple[int, int]  # pixels seen, pixels between two neighbours


@final
class ReceptiveFields(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows a forward pass and remembers, for every tensor, the side of the square of pixels one number depends on.

    A filter of side f widens the field r by (f - 1) j, where j is the distance in pixels between neighbours; a stride
    multiplies j. Where ways meet, the widest counts; flattening and global pooling see all places.

    Args:
        inputs: the pictures, (batch, channels, height, width).

    >>> from torch import nn
    >>> pictures = torch.zeros(1, 1, 32, 32)
    >>> with ReceptiveFields(pictures) as fields, torch.no_grad():
    ...     out = nn.Sequential(nn.Conv2d(1, 6, 5), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5))(pictures)
    >>> fields.of(out)
    14
    """

    def __init__(self, inputs: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kept: dict[int, tuple[Tensor, Field]] = {id(inputs): (inputs, (1, 1))}  # kept, so that ids stay theirs

    def of(self, tensor: Tensor) -> int | None:
        """Return the side of the field of one number of this tensor, or None if it does not come from the pictures."""
        found = self._kept.get(id(tensor))
        return found[1][0] if found else None

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run one operation, and note what its results see."""
        result = func(*args, **(kwargs or {}))
        flat = [item for arg in args for item in (arg if isinstance(arg, (list, tuple)) else [arg])]
        seen = [self._kept[id(item)][1] for item in flat if isinstance(item, Tensor) and id(item) in self._kept]
        if seen:
            field = _after(func, args, (max(r for r, _ in seen), max(j for _, j in seen)), result)
            for item in result if isinstance(result, (list, tuple)) else [result]:
                if isinstance(item, Tensor):
                    self._kept[id(item)] = (item, field)
        return result


def _after(func: Any, args: tuple[Any, ...], field: Field, result: Any) -> Field:
    seen, distance = field
    source = args[0] if args and isinstance(args[0], Tensor) else None
    out = result[0] if isinstance(result, (list, tuple)) else result
    if func in _CONVOLUTIONS and args[1].ndim == 4:
        kernel = [dilation * (side - 1) + 1 for side, dilation in zip(args[1].shape[2:], args[5], strict=True)]
        return seen + (max(kernel) - 1) * distance, distance * max(args[3])
    if func in _POOLINGS or func is _COLUMNS:
        stride = args[4] if func is _COLUMNS else (args[2] if len(args) > 2 and args[2] else args[1])
        return seen + (max(args[1]) - 1) * distance, distance * max(stride)
    if source is not None and source.ndim == 4:
        sides, left = source.shape[2:], out.shape[2:] if out.ndim == 4 else (1, 1)
        flattened = out.ndim == 2 and out.numel() == source.numel()
        if func in _ADAPTIVE or flattened:
            windows = [side - after + 1 for side, after in zip(sides, left, strict=True)]
            return seen + (max(windows) - 1) * distance, distance
    return field
