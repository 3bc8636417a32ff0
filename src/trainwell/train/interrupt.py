"""Signals: the first one saves a checkpoint and stops, the second one stops at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import final

from trainwell.core.errors import Interrupted

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


@final
class Interrupt:
    """While active, records SIGINT, SIGTERM and SIGHUP as a request to stop, which every phase polls.

    Outside the main thread no handler can be installed; `check` then never raises.

    >>> with Interrupt() as interrupt:
    ...     interrupt.check()
    """

    def __init__(self) -> None:
        self.signal_number = 0
        self._old: dict[int, object] = {}

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for name in _NAMES:
                number = getattr(signal, name, None)
                # Signals that the parent process set to be ignored (nohup, `&` in a script) stay ignored.
                if number and signal.getsignal(number) != signal.SIG_IGN:
                    self._old[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise Interrupted if a signal was received."""
        if self.signal_number:
            # A closed terminal (SIGHUP) counts as a request to terminate.
            number = int(signal.SIGINT if self.signal_number == signal.SIGINT else signal.SIGTERM)
            raise Interrupted(number, f"stopped by {signal.Signals(self.signal_number).name}")

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal_number:  # the second signal: restore and call the original handler
            signal.signal(number, self._old[number])  # type: ignore[arg-type]
            os.kill(os.getpid(), number)
        self.signal_number = number
