"""The record of the fault bench, and the sentence on a rule's page."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from importlib import resources
from pathlib import Path

import pytest

from trainwell.core.errors import UnknownNameError
from trainwell.doctor.bench import FILE, BenchRecord, bench_sentence, read_record, rule_digest
from trainwell.rules import RULES

RECORD = BenchRecord(
    date="2026-11-30",
    commit="abc1234",
    healthy={"runs": 261, "configurations": 87, "programs": 9},
    faulty={"runs": 600, "named": 590, "named_first": 580},
    alarms={"overfitting": 2},
    rules={"dead_units": rule_digest("dead_units"), "overfitting": rule_digest("overfitting"), "host_syncs": "old"},
)


def test_a_record_survives_json() -> None:
    assert BenchRecord(**json.loads(json.dumps(RECORD.to_json()))) == RECORD


def test_the_sentence_says_what_was_measured() -> None:
    assert bench_sentence("dead_units", RECORD) == (
        "Fault bench of 2026-11-30 (commit abc1234): no warning or error in 261 healthy runs of 87 configurations of 9 "
        "programs."
    )
    assert "2 false alarms in 261" in bench_sentence("overfitting", RECORD)


def test_nothing_is_said_of_a_rule_that_was_not_measured_as_it_stands() -> None:
    assert bench_sentence("host_syncs", RECORD) == "", "it has changed since"
    assert bench_sentence("rate_too_low", RECORD) == "", "it is newer than the record"
    assert bench_sentence("dead_units", None) == "", "there is no record"


@pytest.mark.parametrize("name", RULES)
def test_every_rule_has_a_digest(name: str) -> None:
    assert len(rule_digest(name)) == 16


def test_the_digest_covers_the_modules_a_rule_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    import inspect

    read = inspect.getsource
    before = rule_digest("no_better_than_chance")
    monkeypatch.setattr(
        inspect, "getsource", lambda module: read(module) + "#" * (module.__name__ == "trainwell.rules.symptoms")
    )
    assert rule_digest("no_better_than_chance") != before


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UnknownNameError):
        rule_digest("no_such_rule")


def test_the_record_of_the_package_is_whole() -> None:
    record = read_record()
    assert (record is not None) == resources.files("trainwell.doctor").joinpath(FILE).is_file()
    if record is not None:
        assert set(record.alarms) <= set(record.rules) and record.healthy["runs"] >= record.healthy["configurations"]
        assert dataclasses.asdict(record) == record.to_json()


def test_the_bench_writes_such_a_record() -> None:
    path = Path(__file__).parents[2] / "benchmarks" / "faults.py"
    spec = importlib.util.spec_from_file_location("faults_bench", path)
    assert spec is not None and spec.loader is not None
    bench = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = bench  # dataclasses look their module up
    before = list(sys.path)
    try:
        spec.loader.exec_module(bench)
    finally:
        sys.path[:] = before
        del sys.modules[spec.name]
    sick = next(case for case in bench.bank.FAULTS)
    well, other = bench.bank.HEALTHY[:2]
    results = [
        bench.Result(sick, 0, (sick.rules[0], "overfitting"), (), 0),
        bench.Result(sick, 1, ("overfitting", sick.rules[0]), (), 0),
        bench.Result(well, 0, (), ("overfitting",), 0),
        bench.Result(well, 1, ("overfitting", "dead_units"), (), 0),
        bench.Result(other, 0, ("overfitting",), (), 0),
    ]
    record = bench.record_of(results, commit="abc1234", date="2026-11-30")
    assert record.faulty == {"runs": 2, "named": 2, "named_first": 1}
    assert (record.healthy["runs"], record.healthy["configurations"]) == (3, 2)
    assert record.alarms == {"dead_units": 1, "overfitting": 2} and set(record.rules) == set(RULES)
    assert "2 false alarms in 3 healthy runs of 2" in bench_sentence("overfitting", record)
