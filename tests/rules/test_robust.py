"""No rule raises an error, whatever numbers a run has recorded."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest

from trainwell.core.facts import Facts
from trainwell.core.signals import Signals
from trainwell.rules import RULES, examples

ODD = (0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 1e300, 1e-300, -1e-9)
CHANCE = (None, 0.0, -1e-9, math.nan, math.inf, 1e-300, 1.0)


def _mutated(signals: Signals, chance: random.Random) -> Signals:
    """Return the same series, some of them shorter, some numbers replaced by odd ones."""
    changed = Signals()
    for name, series in signals.items():
        kept = chance.choice((len(series), len(series), len(series), 1, 2, 3))
        share = chance.choice((0.0, 0.1, 0.5, 1.0))
        odd = chance.choice(ODD)
        for step, value in list(series)[:kept]:
            picked = chance.choice((odd, chance.choice(ODD)))
            changed.add(name, step, value=picked if chance.random() < share else value)
    return changed


@pytest.mark.parametrize("name", RULES)
def test_no_numbers_make_a_rule_raise_an_error(name: str) -> None:
    chance = random.Random(name)
    for example in examples(RULES[name]):
        for _ in range(300):
            facts = dataclasses.replace(
                example.facts,
                chance_loss=chance.choice((example.facts.chance_loss, *CHANCE)),
                steps=chance.choice((0, 1, example.facts.steps)),
                class_counts=chance.choice(((), (0,), (0, 0), example.facts.class_counts)),
                sizes=chance.choice(({}, {"validation": 0}, {"validation": 1}, example.facts.sizes)),
            )
            finding = RULES[name](_mutated(example.signals, chance), facts)
            assert finding is None or (finding.rule == name and isinstance(facts, Facts))
