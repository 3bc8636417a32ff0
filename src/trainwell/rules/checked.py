"""On which healthy runs the rules were checked, as benchmarks/faults.py reported it."""

from __future__ import annotations

from collections.abc import Mapping

from trainwell.rules.catalogue import RULES

HEALTHY_RUNS = 261
CONFIGURATIONS = 87
PROGRAMS = 9
ALARMS: Mapping[str, int] = {}
"""Warnings and errors on these runs, by rule; a rule that is not here raised none."""


def checked(rule: str) -> str:
    """Return one line on the healthy runs a rule was checked on.

    Raises:
        NotFound: there is no such rule.

    >>> checked("dead_units").startswith("Checked on ")
    True
    """
    count = ALARMS.get(RULES[rule].__name__, 0)
    raised = "no warning or error" if count == 0 else f"{count} false alarm" + "s" * (count > 1)
    return (
        f"Checked on {HEALTHY_RUNS} healthy runs of {CONFIGURATIONS} configurations of {PROGRAMS} programs "
        f"(benchmarks/faults.py): {raised}."
    )
