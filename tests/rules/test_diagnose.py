"""The verdict as a whole: silent on healthy trainings, causes before symptoms on sick ones."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity, is_symptom
from trainwell.core.signals import Signals
from trainwell.rules import RULES, WRITTEN_BY_FIT, diagnose, reads


def _zero_head(model: nn.Module) -> None:
    nn.init.zeros_(model[-1].weight)  # type: ignore[index]


def _convolutions(norm: bool) -> nn.Module:
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for before, after in ((1, 16), (16, 32)):
        layers += [nn.Conv2d(before, after, 3, padding=1), *([nn.BatchNorm2d(after)] if norm else [])]
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128, 10))


def _noisy(targets: torch.Tensor) -> torch.Tensor:
    draw = torch.Generator().manual_seed(3)
    replaced = torch.randint(0, 10, targets.shape, generator=draw)
    return torch.where(torch.rand(len(targets), generator=draw) < 0.2, replaced, targets)


HEALTHY = {
    "relu sgd": lambda lab: lab.Case(lab.mlp(64), lab.sgd(0.1)),
    "relu momentum": lambda lab: lab.Case(lab.mlp(64, 64), lab.sgd(0.05, 0.9)),
    "fast sgd": lambda lab: lab.Case(lab.mlp(64), lab.sgd(0.5)),
    "adam": lambda lab: lab.Case(lab.mlp(64, 64), lab.adam(1e-3)),
    "fast adam": lambda lab: lab.Case(lab.mlp(64, 64), lab.adam(1e-2)),
    "weight decay": lambda lab: lab.Case(lab.mlp(128, 128), lab.adam(3e-3, 0.01)),
    "tanh": lambda lab: lab.Case(lab.mlp(64, 64, activation=nn.Tanh), lab.sgd(0.1, 0.9)),
    "sigmoid": lambda lab: lab.Case(lab.mlp(64, activation=nn.Sigmoid), lab.adam(1e-2)),
    "gelu": lambda lab: lab.Case(lab.mlp(64, 64, activation=nn.GELU), lab.adam(3e-3)),
    "batch norm": lambda lab: lab.Case(lab.mlp(64, 64, norm=True), lab.sgd(0.1, 0.9)),
    "dropout": lambda lab: lab.Case(lab.mlp(128, 128, dropout=0.5), lab.adam(3e-3)),
    "deep": lambda lab: lab.Case(lab.mlp(*[64] * 6), lab.adam(1e-3)),
    "zero head": lambda lab: lab.Case(lab.mlp(64, 64), lab.sgd(0.1, 0.9), after_build=_zero_head),
    "linear": lambda lab: lab.Case(lab.mlp(), lab.sgd(0.1)),
    "convolutions": lambda lab: lab.Case(lambda: _convolutions(False), lab.sgd(0.1, 0.9), epochs=6),
    "normalised convolutions": lambda lab: lab.Case(lambda: _convolutions(True), lab.adam(3e-3), epochs=6),
    "noisy labels": lambda lab: lab.Case(lab.mlp(64), lab.adam(1e-3), targets=_noisy),
    "one rare class": lambda lab: lab.Case(lab.mlp(64), lab.adam(3e-3), targets=lambda t: (t == 3).long()),
    "batches of one": lambda lab: lab.Case(lab.mlp(32), lab.sgd(0.01), batch_size=1, epochs=1),
    "few samples": lambda lab: lab.Case(lab.mlp(64, 64), lab.adam(1e-3), budget=0.02),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_training_raises_no_alarm_at_its_end_or_on_the_way(lab: Any, name: str) -> None:
    outcome = lab.run(HEALTHY[name](lab))
    assert outcome.accuracy > 0.75
    assert outcome.verdicts == [], outcome.findings
    for now in range(10, outcome.facts.steps, max(10, outcome.facts.steps // 25)):
        seen = Signals()
        for signal, series in outcome.signals.items():
            for step, value in series:
                if step < now:
                    seen.add(signal, step, value=value)
        alarms = [finding for finding in diagnose(seen, outcome.facts) if finding.severity is not Severity.INFO]
        assert alarms == [], f"at step {now}"


def test_trained_too_long_is_a_hint_while_the_score_holds(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(256, 256), lab.adam(3e-3), epochs=60))
    assert [(finding.rule, finding.severity) for finding in outcome.findings] == [("overfitting", Severity.INFO)]


def test_causes_come_first_then_symptoms_then_hints(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), lab.sgd(10.0), epochs=15))
    assert outcome.verdicts[0] == "learning_rate_too_high"
    assert "no_better_than_chance" in outcome.findings[0].explains
    ranks = [(f.severity is Severity.INFO, is_symptom(f, outcome.findings)) for f in outcome.findings]
    assert ranks == sorted(ranks)
    there = {finding.rule for finding in outcome.findings}
    assert all(set(finding.explains) <= there for finding in outcome.findings)


def test_every_signal_a_rule_reads_is_written(lab: Any) -> None:
    relu = lab.run(lab.Case(lab.mlp(16), lab.sgd(0.1), epochs=2)).signals
    tanh = lab.run(lab.Case(lab.mlp(16, activation=nn.Tanh, norm=True), lab.sgd(0.1), epochs=1)).signals
    written = {*relu, *tanh}
    for name, rule in RULES.items():
        for pattern in reads(rule):
            prefix = pattern.rstrip("*")
            found = any(signal == pattern or (prefix != pattern and signal.startswith(prefix)) for signal in written)
            of_scripts = pattern.startswith(("code/", "target/", "validation/"))  # tests/watching checks those
            assert found or of_scripts or pattern in WRITTEN_BY_FIT, f"{name} reads {pattern}, which nothing writes"


def test_hint_explains_nothing() -> None:
    signals = Signals()
    for step in range(30):
        signals.add("update/ratio/a.weight", step * 10, value=0.3)
        signals.add("activation/dead_fraction/act", step * 10, value=0.95)
    assert [(finding.severity, finding.explains) for finding in diagnose(signals, Facts())] == [
        (Severity.INFO, ()),
        (Severity.INFO, ()),
    ]


def test_knows_nothing_says_nothing() -> None:
    assert diagnose(Signals(), Facts()) == []


def test_a_rule_that_raises_an_error_is_no_finding_and_stops_no_other_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    signals = Signals()
    for step, loss in enumerate([2.3, float("nan")]):
        signals.add("loss/train", step, value=loss)

    def broken(signals: Signals, facts: Facts) -> Finding | None:
        raise ZeroDivisionError("float division by zero")

    monkeypatch.setitem(RULES._entries, "dead_units", broken)
    errors: list[tuple[str, str]] = []
    findings = diagnose(signals, Facts(), on_error=lambda rule, problem: errors.append((rule, str(problem))))
    assert [finding.rule for finding in findings] == ["loss_not_finite"]
    assert errors == [("broken", "float division by zero")]
    assert diagnose(signals, Facts()) == findings
