from __future__ import annotations

import cases as bank
import pytest

from trainwell.rules import RULES, checked
from trainwell.rules.checked import ALARMS, CONFIGURATIONS, HEALTHY_RUNS, PROGRAMS


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_on_what_it_was_checked(name: str) -> None:
    assert ("no warning or error" in checked(name)) == (name not in ALARMS)


def test_what_was_checked_is_what_the_bench_holds() -> None:
    assert len(bank.HEALTHY) == CONFIGURATIONS
    assert len(bank.PROGRAMS) == PROGRAMS
    assert HEALTHY_RUNS >= CONFIGURATIONS
    assert set(ALARMS) <= set(RULES)
