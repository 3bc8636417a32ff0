"""The last result of the fault bench: `benchmarks/faults.py --record` writes it, the rules' pages read it."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from trainwell.core.files import plain
from trainwell.rules import RULES

FILE = "bench.json"
_IMPORT = re.compile(r"from (trainwell\.rules\.\w+) import|from trainwell\.rules import (\w+)")


@dataclass(frozen=True)
class BenchRecord:
    """One whole run of the fault bench.

    Args:
        date: day of the run, ISO 8601.
        commit: state of the repository.
        healthy: number of healthy "runs", and of the "configurations" and "programs" they are of.
        faulty: number of faulty "runs", of those in which the right rule was "named", and "named_first".
        alarms: rule to the number of healthy runs in which it raised a warning or an error; others raised none.
        rules: rule to the digest of its source code at that time, see `rule_digest`.
    """

    date: str
    commit: str
    healthy: Mapping[str, int]
    faulty: Mapping[str, int]
    alarms: Mapping[str, int]
    rules: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the record as plain data."""
        return asdict(self)


def read_record() -> BenchRecord | None:
    """Return the record that the package was published with; None if there is none."""
    file = resources.files("trainwell.doctor").joinpath(FILE)
    try:
        return BenchRecord(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def rule_digest(name: str) -> str:
    """Return a digest of the source code of a rule: its module and what that imports of the other rules' modules.

    Raises:
        UnknownNameError: there is no such rule.

    >>> len(rule_digest("dead_units"))
    16
    """
    modules: list[str] = [RULES[name].__module__]
    for module in modules:
        for whole, last in _IMPORT.findall(inspect.getsource(sys.modules[module])):
            found = whole or f"trainwell.rules.{last}"
            if found in sys.modules and found not in modules:
                modules.append(found)
    digest = hashlib.blake2b(digest_size=8)
    for module in sorted(modules):
        digest.update(inspect.getsource(sys.modules[module]).encode())
    return digest.hexdigest()


def bench_sentence(name: str, record: BenchRecord | None) -> str:
    """Return what the bench measured of a rule, in one sentence; empty if the rule has changed since, or is not there.

    Raises:
        UnknownNameError: there is no such rule.
    """
    if record is None or record.rules.get(name) != rule_digest(name):
        return ""
    count = record.alarms.get(name, 0)
    alarms = "no warning or error" if count == 0 else f"{count} false alarm" + "s" * (count > 1)
    healthy = record.healthy
    return (
        f"Fault bench of {plain(record.date)} (commit {plain(record.commit)}): {alarms} in {healthy['runs']} healthy "
        f"runs of {healthy['configurations']} configurations of {healthy['programs']} programs."
    )
