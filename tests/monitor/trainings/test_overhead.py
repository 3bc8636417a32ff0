from __future__ import annotations

import time

import pytest

from trainwell.monitor.trainings.overhead import Overhead


def test_before_a_step_there_is_nothing_to_compare_with() -> None:
    overhead = Overhead(0.02)
    overhead.start()
    assert overhead.fraction(1.0) == 0.0


def test_time_is_compared_with_the_time_of_everything_else() -> None:
    overhead = Overhead(0.02)
    overhead.start()
    time.sleep(0.02)
    overhead.note_step()
    whole = 0.01 / overhead.fraction(0.01) + 0.01
    assert 0.02 <= whole < 5.0
    time.sleep(0.02)
    assert overhead.fraction(0.01) == pytest.approx(0.01 / (whole - 0.01)), "what follows the last step is no training"


def test_judging_takes_its_share_of_the_budget() -> None:
    overhead = Overhead(0.02)
    assert overhead.allows_judging
    overhead.note_judging(time.perf_counter() - 1.0)
    assert not overhead.allows_judging, "a second of judging is paid for by 1 / (0.02 * 0.3) seconds of training"
    overhead.budget = 1e9
    time.sleep(0.001)
    assert overhead.allows_judging
