"""Which of several threads is watched; real threads, each at a time of the test's choice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from trainwell.monitor.hooks.threads import WatchedThread


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[], bool]], bool]]:
    """Runs a function in one other thread, which lives until the end of the test."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda work: pool.submit(work).result()


def test_the_first_thread_that_makes_a_pass_is_watched(elsewhere: Callable[[Callable[[], bool]], bool]) -> None:
    changes: list[int] = []
    watched = WatchedThread(lambda: changes.append(threading.get_ident()))
    assert watched.may_observe() and elsewhere(watched.may_observe)
    assert watched.claim()
    assert not elsewhere(watched.claim)
    assert watched.may_observe() and not elsewhere(watched.may_observe)
    assert changes == [threading.get_ident()]


def test_a_thread_that_has_ended_is_replaced() -> None:
    watched = WatchedThread(lambda: None)
    thread = threading.Thread(target=watched.claim)
    thread.start()
    thread.join()
    assert watched.claim()


def test_a_thread_that_makes_no_more_passes_is_replaced(elsewhere: Callable[[Callable[[], bool]], bool]) -> None:
    watched = WatchedThread(lambda: None)
    watched.claim()
    answers = [elsewhere(watched.claim) for _ in range(102)]
    assert answers == [False] * 100 + [True] * 2
    assert not watched.claim()


def test_threads_that_take_turns_do_not_replace_one_another(elsewhere: Callable[[Callable[[], bool]], bool]) -> None:
    watched = WatchedThread(lambda: None)
    for _ in range(300):
        assert watched.claim()
        assert not elsewhere(watched.claim)
