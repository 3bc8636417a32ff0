"""Diagnosis of scripts: injected faults are named, and healthy trainings raise no alarm.

Claim: over the scripts in tests/sick (one fault each; healthy ones of varied style) times n seeds, the rule of the
    fault is reported in at least 95 % of the runs and first in at least 85 %, and at most 1 % of the healthy runs show
    a warning or error.
Command: python benchmarks/diagnosis.py [seeds]
Hardware: any; each script takes under a second on one core.
n: all scripts, each with the given number of seeds.

Every script also runs unmonitored: weights, random state and exit code must be the same bit for bit. The first set of
scripts was written together with the rules, the second afterwards; at first 5 of its 58 faulty and 4 of its 80 healthy
runs were diagnosed incorrectly, which has been fixed since.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "sick"))
import ward

SETS = {"first": (ward.FAULTY, ward.HEALTHY), "second": (ward.LATER_FAULTY, ward.LATER_HEALTHY)}


def judge(name: str, seeds: int) -> None:
    faulty, healthy = SETS[name]
    named = first = alarms = changed = 0
    with ward.processes(2) as pool:
        runs = [
            (path, seed, *(pool.submit(ward.examine, path, seed, watched) for watched in (True, False)))
            for path in (*faulty, *healthy)
            for seed in range(seeds)
        ]
        for path, seed, watched, plain in runs:
            chart, other = watched.result(), plain.result()
            verdicts = chart.verdicts
            changed += (chart.weights, chart.exit_code) != (other.weights, other.exit_code)
            wanted = [ward.expected(path)] if path in faulty else []
            named += bool(wanted) and wanted[0] in verdicts
            first += bool(wanted) and verdicts[:1] == wanted
            alarms += not wanted and bool(verdicts)
            if verdicts[:1] != wanted or chart.events:
                print(f"  {path.stem} (seed {seed}): wanted {wanted}, got {verdicts} {chart.events}")
    sick, well = len(faulty) * seeds, len(healthy) * seeds
    print(f"{name} set: {sick} faulty runs: named {named / sick:.1%}, named first {first / sick:.1%}; ", end="")
    print(f"{well} healthy runs: false alarms {alarms / well:.1%}; changed by watching: {changed} of {len(runs)}")


if __name__ == "__main__":
    for name in SETS:
        judge(name, int(sys.argv[1]) if len(sys.argv) > 1 else 3)
