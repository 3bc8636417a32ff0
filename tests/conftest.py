"""What holds for every test: the world is left as it was found."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

# How long an example takes depends on the machine and its load, which no test may depend on.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")

# At the end, where a watched script, which replaces the first entry, leaves them to the processes that tests start.
sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parent / "sick"), str(Path(__file__).parent / "faults")]


@pytest.fixture(scope="session", autouse=True)
def signals_are_listened_to() -> None:
    """Undo what a shell does to the signals of what it runs in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def traces() -> list[str]:
    """Return what of ours is installed in this process: hooks in PyTorch, and the way to modules."""
    found = [f"sys.path[0] = {sys.path[0]}"]
    if "torch" in sys.modules:
        import ward

        found += ward.leftovers()
    return found


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail a test that leaves hooks or another way to modules to those after it."""
    before = traces()
    yield
    assert [trace for trace in traces() if trace not in before] == []
