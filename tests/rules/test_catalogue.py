"""Every rule proves itself by its examples and keeps the law of the house."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules import RENAMED, RULES, WRITTEN_BY_FIT, Example, Rule, examples, reads

EXAMPLES = [(rule, example) for rule in RULES.values() for example in examples(rule)]
KINDS = {"ok": {None}, "hint": {Severity.INFO}, "bad": {Severity.WARNING, Severity.ERROR}}


@pytest.mark.parametrize(("rule", "example"), EXAMPLES, ids=[f"{r.__name__}-{e.kind}-{e.text}" for r, e in EXAMPLES])
def test_example(rule: Rule, example: Example) -> None:
    finding = rule(example.signals, example.facts)
    assert (finding.severity if finding else None) in KINDS[example.kind], finding


@pytest.mark.parametrize("name", RULES)
def test_rule_keeps_the_law(name: str) -> None:
    rule = RULES[name]
    page = inspect.getdoc(rule) or ""
    assert "*Why it matters*: " in page
    assert "*Known problems*: " in page
    assert rule(Signals(), Facts()) is None, "a rule says nothing when it knows nothing"
    kinds = [example.kind for example in examples(rule)]
    assert "ok" in kinds
    assert "bad" in kinds or "hint" in kinds
    for finding in _findings(rule):
        assert finding.rule == name
        assert Finding.from_json(finding.to_json()) == finding
        assert all(other in RULES for other in finding.explains)
        later = list(RULES)[list(RULES).index(name) + 1 :]
        assert set(finding.explains) <= set(later), "causes come before what they explain"


@pytest.mark.parametrize("name", RULES)
def test_rule_says_what_it_reads(name: str) -> None:
    rule = RULES[name]
    patterns = reads(rule)
    assert patterns
    for example in examples(rule):
        for signal in example.signals:
            wanted = [p for p in patterns if p == signal or (p.endswith("*") and signal.startswith(p[:-1]))]
            assert wanted, f"{signal} is in an example of {name} but not in its Reads"


@pytest.mark.parametrize(("former", "present"), RENAMED.items())
def test_a_former_name_of_a_rule_still_resolves(former: str, present: str) -> None:
    assert RULES[former] is RULES[present]
    assert RULES.current(former) == present
    assert former not in list(RULES)


# Words that nobody types into a search box, and personified or private ways of saying things.
NOT_THE_FIELDS = re.compile(
    r"\b(answers?|cures?|guess(es|ing)|never fire|fades?|pile up|by heart|rectifiers?|deviations? of one|knows? nothing|"
    r"too sure|silent|speaks?|lie elsewhere|grave|bends?|surely|runs? away)\b",
    re.IGNORECASE,
)
SEARCHED_FOR = {
    "vanishing_gradients": "Vanishing gradients",
    "exploding_gradients": "Exploding gradients",
    "dead_units": "Dead ReLU units",
    "saturated_activations": "Saturated activations",
    "overfitting": "Overfitting",
    "underfitting": "Underfitting",
    "train_validation_overlap": "Data leakage",
    "target_leakage": "Target leakage",
    "missing_zero_grad": "Gradients accumulate: zero_grad() is never called",
    "initial_loss_far_from_chance": "Initial loss",
    "symmetric_weights": "Symmetry is not broken",
    "validation_distribution_shift": "Distribution shift",
    "learning_rate_too_low": "Learning rate too low",
    "missing_batch_first": "batch_first",
    "missing_causal_mask": "causal mask",
    "dropout_too_strong": "Dropout",
    "weight_decay_too_strong": "Weight decay",
}


@pytest.mark.parametrize("name", RULES)
def test_rule_speaks_the_language_of_the_field(name: str) -> None:
    rule = RULES[name]
    findings = _findings(rule)
    page = (inspect.getdoc(rule) or "").partition("\nReads:")[0]
    for text in (page, *(finding.title for finding in findings)):
        assert not NOT_THE_FIELDS.search(text), text
    for finding in findings:
        assert finding.title[0].isupper() or finding.title.split()[0].endswith(("()", "batch_first"))
        assert finding.title.endswith(".")
        assert len(finding.title) <= 200
        assert SEARCHED_FOR.get(name, "") in finding.title or finding.severity is Severity.INFO


def test_rules_do_not_import_torch() -> None:
    code = "import sys, trainwell.rules; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_signals_of_fit_are_documented() -> None:
    assert all(name.split("/")[0] in {"loss", "score", "learning_rate"} for name in WRITTEN_BY_FIT)


def _findings(rule: Rule) -> list[Finding]:
    found = (rule(example.signals, example.facts) for example in examples(rule))
    return [finding for finding in found if finding is not None]
