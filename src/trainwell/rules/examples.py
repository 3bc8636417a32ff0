"""The examples in a rule's docstring: runs it does not report, runs it gives a hint on, runs it gives a verdict on.

    ok: loss/train = 2.3 1.1 0.4; chance_loss = 2.3
    hint: update/ratio/fc.weight = 0.3*20 @10
    bad: loss/train = 2.3 nan

A name with a slash is a series: values, `value*count` for repetition, and `@n` if there are n steps between
two readings. Any other name is a fact. A line indented further continues the one before.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding
from trainwell.core.signals import Signals
from trainwell.rules.symptoms import SIGNALS

Rule = Callable[[Signals, Facts], Finding | None]
"""A rule: a pure function from recorded signals and known facts to at most one finding."""

_EXAMPLE = re.compile(r"^(ok|hint|bad): (.*(?:\n +.*)*)", re.MULTILINE)
_READS = re.compile(r"^Reads: (.*(?:\n +.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One example of a rule.

    Args:
        kind: "ok" (no finding), "hint" (info) or "bad" (warning or error).
        text: as written in the docstring.
        signals: the recorded signals.
        facts: what is known before training.
    """

    kind: str
    text: str
    signals: Signals
    facts: Facts


def examples(rule: Rule) -> list[Example]:
    """Return the examples in a rule's docstring, in order."""
    found = _EXAMPLE.findall(inspect.getdoc(rule) or "")
    return [_parse(kind, " ".join(text.split()), signal_names=reads(rule)) for kind, text in found]


def reads(rule: Rule) -> tuple[str, ...]:
    """Return the names of the signals that a rule reads; `*` stands for layers or parameters.

    "symptoms" in its docstring stands for everything that the two-key gate reads.
    """
    found = _READS.search(inspect.getdoc(rule) or "")
    names = [name.strip() for name in found.group(1).replace("\n", " ").split(",")] if found else []
    return tuple(signal for name in names for signal in (SIGNALS if name == "symptoms" else (name,)))


def _parse(kind: str, text: str, *, signal_names: tuple[str, ...]) -> Example:
    signals = Signals()
    facts: dict[str, Any] = {}
    for assignment in text.split(";"):
        name, _, value = (part.strip() for part in assignment.partition("="))
        if "/" in name or name in signal_names:
            _fill(signals, name, text=value)
        elif name:
            facts[name] = _fact(value)
    return Example(kind, text, signals, dataclasses.replace(Facts(), **facts))


def _fill(signals: Signals, name: str, *, text: str) -> None:
    numbers, _, stride = text.partition("@")
    step = 0
    for word in numbers.split():
        value, _, count = word.partition("*")
        for _ in range(int(count or 1)):
            signals.add(name, step, value=float(value))
            step += int(stride or 1)


def _fact(text: str) -> object:
    is_word = text.isidentifier() and text not in ("True", "False", "None")
    return text if is_word else ast.literal_eval(text)
