"""Functions that are replaced by wrappers, and put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final


@dataclass(frozen=True)
class _Wrapper:
    """One function that was replaced."""

    owner: Any
    name: str
    original: Any
    wrapper: Any

    def set(self, *, wrapped: bool) -> None:
        """Put the wrapper or the original in place, unless somebody else has replaced it meanwhile."""
        current, wanted = (self.original, self.wrapper) if wrapped else (self.wrapper, self.original)
        if self.owner.__dict__.get(self.name) is current:
            setattr(self.owner, self.name, wanted)


@final
class Wrappers:
    """Replaces functions of modules and classes, and restores them in reverse order.

    A wrapper that somebody has wrapped again cannot be removed; it must then do nothing of its own.
    """

    def __init__(self) -> None:
        self._all: list[_Wrapper] = []

    def wrap(self, owner: Any, name: str, *, make: Callable[[Any], Any]) -> None:
        """Replace `owner.name` by what `make` returns for it."""
        original = owner.__dict__[name]
        wrapper = _Wrapper(owner, name, original, make(original))
        setattr(owner, name, wrapper.wrapper)
        self._all.append(wrapper)

    def swap(self, owner: Any, *, wrapped: bool) -> None:
        """Put the wrappers or the originals of one owner in place."""
        for wrapper in self._all:
            if wrapper.owner is owner:
                wrapper.set(wrapped=wrapped)

    def remove(self) -> None:
        """Restore everything."""
        for wrapper in reversed(self._all):
            wrapper.set(wrapped=False)
        self._all = []
