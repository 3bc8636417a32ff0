"""Every experiment runs once for all tests."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from trainwell.lab import EXPERIMENTS, Result

_once = functools.cache(lambda name: EXPERIMENTS[name].run())


@pytest.fixture
def done() -> Callable[[str], Result]:
    """Returns the result of an experiment by name."""
    return _once
