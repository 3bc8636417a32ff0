"""A finding is a value, and findings have one order."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.finding import Finding, Severity, folded, in_order, is_symptom, problems


def test_a_finding_survives_json() -> None:
    finding = Finding(
        "rule",
        Severity.ERROR,
        "It broke.",
        evidence={"loss": 1e9},
        where=("fc1", "fc2"),
        step=3,
        explains=("other",),
        remedies=("lower_rate",),
        source_lines={"train.py:3": "loss.backward()"},
    )
    assert Finding.from_json(finding.to_json()) == finding
    keys = {"rule", "severity", "title", "where", "step", "evidence", "explains", "remedies", "source_lines"}
    assert finding.to_json().keys() == keys


def test_a_finding_of_an_older_run_is_read() -> None:
    finding = Finding("rule", Severity.ERROR, "It broke.", where=("train.py:3",))
    written = finding.to_json()
    del written["source_lines"]
    assert Finding.from_json(written) == finding


def test_a_finding_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Finding("rule", Severity.INFO, "title").rule = "other"


def finding(rule: str, severity: Severity = Severity.WARNING, *explains: str, step: int | None = None) -> Finding:
    return Finding(rule, severity, rule, explains=explains, step=step)


NAMES = "abcdefgh"


@st.composite
def acyclic(draw: st.DrawFn) -> list[Finding]:
    """Findings as rules give them: each explains at most rules that come after it, and each rule is there once."""
    rules = draw(st.lists(st.sampled_from(NAMES), unique=True).map(sorted))
    return [
        finding(
            rule,
            draw(st.sampled_from(list(Severity))),
            *draw(st.lists(st.sampled_from([name for name in NAMES if name > rule] or [rule]), unique=True)),
            step=draw(st.sampled_from([None, 0, 7])),
        )
        for rule in rules
    ]


@st.composite
def anything(draw: st.DrawFn) -> list[Finding]:
    """Findings of anybody: several of one rule, explanations in circles, of themselves and of what is not there."""
    some = st.tuples(
        st.sampled_from(NAMES[:4]), st.sampled_from(list(Severity)), st.lists(st.sampled_from(NAMES), max_size=3)
    )
    return [finding(rule, severity, *explains) for rule, severity, explains in draw(st.lists(some, max_size=7))]


@given(acyclic())
def test_the_order_keeps_its_law(found: list[Finding]) -> None:
    ordered = in_order(found)
    place = {one.rule: number for number, one in enumerate(ordered)}
    hints = [one.severity is Severity.INFO for one in ordered]
    assert hints == sorted(hints), "hints come last"
    for cause in ordered:
        for rule in cause.explains if cause.severity is not Severity.INFO else ():
            if rule in place and rule != cause.rule:
                assert place[cause.rule] < place[rule], "a cause comes before what it explains"
    causes = [one for one in ordered if not is_symptom(one, ordered)]
    severity = [list(Severity).index(one.severity) for one in causes]
    assert severity == sorted(severity), "errors come before warnings before hints"
    for kind in Severity:
        same = [one.rule for one in causes if one.severity is kind]
        assert same == sorted(same), "equals keep the order of the catalogue"


@given(acyclic(), st.randoms(use_true_random=False))
def test_the_law_but_for_its_last_rule_does_not_depend_on_the_order_given(
    found: list[Finding], chance: random.Random
) -> None:
    mixed = found.copy()
    chance.shuffle(mixed)

    def kinds(some: list[Finding]) -> list[tuple[Severity, bool]]:
        return [(one.severity, is_symptom(one, some)) for one in in_order(some) if one.severity is not Severity.INFO]

    assert kinds(mixed) == kinds(found)


@given(anything())
def test_ordering_and_folding_lose_nothing_and_can_be_repeated(found: list[Finding]) -> None:
    ordered = in_order(found)
    assert sorted(map(id, ordered)) == sorted(map(id, found))
    assert in_order(ordered) == ordered
    groups = folded(found)
    assert sorted(id(one) for cause, under in groups for one in (cause, *under)) == sorted(map(id, found))
    assert [cause for cause, _ in groups] == [one for one in ordered if any(one is cause for cause, _ in groups)]
    assert all(cause.severity is not Severity.INFO for cause, under in groups if under)
    assert problems(found) == tuple(cause for cause, _ in groups if cause.severity is not Severity.INFO)


def test_errors_come_first_and_symptoms_after_their_causes() -> None:
    found = [
        finding("hint", Severity.INFO),
        finding("cause", Severity.WARNING, "symptom"),
        finding("symptom", Severity.ERROR),
    ]
    assert [item.rule for item in in_order(found)] == ["cause", "symptom", "hint"]


def test_a_cause_of_a_symptom_comes_before_what_the_symptom_explains() -> None:
    chain = [finding("c", Severity.ERROR), finding("b", Severity.WARNING, "c"), finding("a", Severity.WARNING, "b")]
    assert [item.rule for item in in_order(chain)] == ["a", "b", "c"]


def test_a_hint_hides_nothing() -> None:
    hint, error = finding("hint", Severity.INFO, "error"), finding("error", Severity.ERROR)
    assert folded([hint, error]) == [(error, ()), (hint, ())]


def test_a_symptom_is_shown_once_under_its_cause() -> None:
    cause, other, symptom = finding("cause", Severity.WARNING, "symptom"), finding("other"), finding("symptom")
    assert folded([symptom, other, cause]) == [(other, ()), (cause, (symptom,))]


def test_findings_that_explain_each_other_do_not_both_vanish() -> None:
    one, two = finding("one", Severity.ERROR, "two"), finding("two", Severity.WARNING, "one")
    assert folded([two, one]) == [(one, (two,))]
    alone = finding("self", Severity.ERROR, "self")
    assert folded([alone]) == [(alone, ())]


def test_a_chain_of_causes_loses_nothing() -> None:
    chain = [finding("a", Severity.WARNING, "b"), finding("b", Severity.WARNING, "c"), finding("c")]
    assert [(top.rule, [one.rule for one in under]) for top, under in folded(chain)] == [("a", ["b", "c"])]
    assert [one.rule for one in problems(chain)] == ["a"]
