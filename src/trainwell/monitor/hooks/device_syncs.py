"""Counts how often a script makes the processor wait for an accelerator, and where."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, final

from torch import Tensor, nn

from trainwell.monitor.code.source_lines import is_the_users, shown_path

_WAITING = tuple("item tolist numpy cpu to __float__ __int__ __bool__ __index__ __repr__ __format__".split())
_FEWEST_STEPS = 4  # Shares of fewer steps say little.


@final
class Waits:
    """Notices `loss.item()`, `x.cpu()`, `float(x)`, `if x > 0:`, `print(x)` of tensors on an accelerator.

    Each needs a number that the device may not have computed yet, so that the processor waits until everything it has
    ordered is done. Only calls from the user's own files are counted. On a training on the processor nothing is
    installed at all; else a call of a tensor of the processor's costs a comparison.

    Args:
        clock: says which backward pass it is; a line counts once in each.
        host: kind of device that nobody waits for.
    """

    def __init__(self, clock: Callable[[], int], *, host: str = "cpu") -> None:
        self.is_allowed = True
        self._clock, self._host = clock, host
        self._originals: list[tuple[str, Any, Any]] = []  # name, what the class itself had there, what is there now
        self._is_inside = False
        self._seen: dict[tuple[CodeType, int], list[int]] = {}  # by line: passes it was met in, the last of them
        self._since: int | None = None

    def shares(self, model: nn.Module, step: int) -> dict[str, float]:
        """Return, for each line that waits, in which share of the steps since the last call it did; begin if need be.

        Args:
            model: the network that is trained; one that lies on the processor is not listened to.
            step: the step it is.
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
        for (code, line), counts in self._seen.items():
            found[f"{shown_path(code.co_filename)}:{line}"] = counts[0] / passed
            counts[0] = 0
        self._since = step
        return found

    def remove(self) -> None:
        """Leave everything as it was."""
        for name, own, wrapper in reversed(self._originals):
            if Tensor.__dict__.get(name) is wrapper:
                if own is None:
                    delattr(Tensor, name)
                else:
                    setattr(Tensor, name, own)
        self._originals, self._since = [], None

    def _install(self) -> None:
        for name in _WAITING:
            own, wrapper = Tensor.__dict__.get(name), self._around(name, getattr(Tensor, name))
            setattr(Tensor, name, wrapper)
            self._originals.append((name, own, wrapper))

    def _around(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def waits(tensor: Tensor, *arguments: Any, **options: Any) -> Any:
            # Tensors of other classes may do what they like when they are asked for their device.
            if self._is_inside or type(tensor) not in (Tensor, nn.Parameter) or tensor.device.type == self._host:
                return original(tensor, *arguments, **options)
            self._is_inside = True
            try:
                result = original(tensor, *arguments, **options)
            finally:
                self._is_inside = False
            if name != "to" or result.device.type == "cpu":
                self._note(sys._getframe(1))
            return result

        return waits

    def _note(self, frame: FrameType) -> None:
        if is_the_users(frame.f_code.co_filename):
            counts = self._seen.setdefault((frame.f_code, frame.f_lineno), [0, -1])
            if counts[1] != (now := self._clock()):
                counts[:] = [counts[0] + 1, now]
