from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding
from trainwell.core.signals import Series, Signals
from trainwell.rules import examples, reads
from trainwell.rules.symptoms import SIGNALS


def _rule(signals: Signals, facts: Facts) -> Finding | None:
    """A law.

    Reads: grad/norm/*,
        update/ratio/*, symptoms

    ok: loss/train = 2.5*2 nan @10; grad/norm/fc.weight = 1e-3; task = classify; class_counts = (1, 2)
    bad: loss/train = 1;
        chance_loss = 2.5
    """


def test_examples_are_read() -> None:
    ok, bad = examples(_rule)
    assert (ok.kind, bad.kind) == ("ok", "bad")
    loss = ok.signals["loss/train"]
    assert loss.steps == [0, 10, 20]
    assert loss.values[:2] == [2.5, 2.5]
    assert math.isnan(loss.last)
    assert ok.signals["grad/norm/fc.weight"] == Series([0], [1e-3])
    assert (ok.facts.task, ok.facts.class_counts) == ("classify", (1, 2))
    assert bad.facts.chance_loss == 2.5


def test_reads_may_span_lines() -> None:
    assert reads(_rule) == ("grad/norm/*", "update/ratio/*", *SIGNALS)
