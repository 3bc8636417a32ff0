"""Counts how often a script synchronises the processor with an accelerator, and at which lines."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, final

from torch import Tensor, nn

from trainwell.monitor.code.source_lines import is_user_file, shown_path
from trainwell.monitor.hooks.counters import PassCounter

_SYNCHRONISING = (
    "item tolist numpy cpu to __float__ __int__ __bool__ __index__ __repr__ __format__".split()
)  # methods of `Tensor` that need its value on the processor
_FEWEST_STEPS = 4  # Shares of fewer steps say little.


@dataclass
class _LineCount:
    """How often a line synchronised: backward passes in which it did, and the last of them."""

    passes: int = 0
    last: int = -1


@final
class DeviceSyncs:
    """Counts calls of `loss.item()`, `x.cpu()`, `float(x)`, `if x > 0:`, `print(x)` on tensors of an accelerator.

    Each needs a number that the device may not have computed yet, so the processor waits until all queued work is done.
    Only calls from the user's own files are counted. If the network is on the processor, nothing is installed; else a
    call on a tensor of the processor costs one comparison.

    Args:
        passes: counts backward passes; a line counts once in each.
        host: kind of device that needs no synchronisation.
    """

    def __init__(self, passes: PassCounter, *, host: str = "cpu") -> None:
        self.is_allowed = True
        self._passes = passes
        self._host = host
        self._wrapped: list[tuple[str, Any, Any]] = []  # name, what the class itself had there, what is there now
        self._is_inside = False
        self._lines: dict[tuple[CodeType, int], _LineCount] = {}
        self._since: int | None = None  # step of the last report; None before anything is installed

    def shares(self, model: nn.Module, step: int) -> dict[str, float]:
        """Return, for each line that synchronises, in which share of the steps since the last call it did.

        The first call for a network on an accelerator starts the counting.

        Args:
            model: the network that is trained.
            step: number of the step.
        """
        if self._since is None:
            if self.is_allowed and any(p.device.type not in (self._host, "meta") for p in model.parameters()):
                self._install()
                self._since = step
            return {}
        passed = step - self._since
        if passed < _FEWEST_STEPS:
            return {}
        found: dict[str, float] = {}
        for (code, line), count in self._lines.items():
            found[f"{shown_path(code.co_filename)}:{line}"] = count.passes / passed
            count.passes = 0
        self._since = step
        return found

    def remove(self) -> None:
        """Restore the methods of `Tensor`."""
        for name, own, wrapper in reversed(self._wrapped):
            if Tensor.__dict__.get(name) is wrapper:
                if own is None:
                    delattr(Tensor, name)
                else:
                    setattr(Tensor, name, own)
        self._wrapped = []
        self._since = None

    def _install(self) -> None:
        for name in _SYNCHRONISING:
            own = Tensor.__dict__.get(name)
            wrapper = self._wrap(name, getattr(Tensor, name))
            setattr(Tensor, name, wrapper)
            self._wrapped.append((name, own, wrapper))

    def _wrap(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def synchronise(tensor: Tensor, *arguments: Any, **options: Any) -> Any:
            # Tensors of other classes may do anything when asked for their device.
            if self._is_inside or type(tensor) not in (Tensor, nn.Parameter) or tensor.device.type == self._host:
                return original(tensor, *arguments, **options)
            self._is_inside = True
            try:
                result = original(tensor, *arguments, **options)
            finally:
                self._is_inside = False
            if name != "to" or result.device.type == "cpu":
                self._count(sys._getframe(1))
            return result

        return synchronise

    def _count(self, frame: FrameType) -> None:
        if is_user_file(frame.f_code.co_filename):
            count = self._lines.setdefault((frame.f_code, frame.f_lineno), _LineCount())
            if count.last != self._passes.count:
                count.passes += 1
                count.last = self._passes.count
