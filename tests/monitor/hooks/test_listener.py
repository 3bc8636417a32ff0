"""The session's observer receives everything that hooks report."""

from __future__ import annotations

import inspect

from trainwell.monitor.hooks.listener import Listener
from trainwell.monitor.observer import Observer


def test_the_observer_is_a_listener() -> None:
    for name, method in vars(Listener).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            expected, actual = (inspect.signature(one) for one in (method, getattr(Observer, name)))
            assert list(expected.parameters) == list(actual.parameters), name
