"""Which thread is watched: gradients of a network must be read only in the thread that trains it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import final

_MOST_FOREIGN = 100  # passes and steps of other threads in a row after which one of them is watched instead


@final
class WatchedThread:
    """The one thread whose trainings are observed at a time.

    The autograd engine writes gradients without holding Python's lock, so that reading `parameter.grad` of a network
    that another thread trains can crash the process. The first thread that makes a backward pass or a step is watched;
    another one takes its place when it has ended, or has made no pass or step for a while.

    Args:
        on_change: called in the thread that is watched from now on.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._thread = 0  # 0 before the first pass or step
        self._foreign = 0  # passes and steps of other threads since the last of the watched one

    def may_observe(self) -> bool:
        """Return whether the current thread is watched, or might be: none is watched yet."""
        return self._thread in (0, threading.get_ident())

    def claim(self) -> bool:
        """Return whether the current thread, which makes a backward pass or a step, is watched."""
        thread = threading.get_ident()
        if thread == self._thread:
            self._foreign = 0
            return True
        return self._take_over(thread)

    def _take_over(self, thread: int) -> bool:
        if self._thread and self._foreign < _MOST_FOREIGN and self._thread in sys._current_frames():
            self._foreign += 1
            return False
        self._thread = thread
        self._foreign = 0
        self._on_change()
        return True
