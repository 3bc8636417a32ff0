"""The cure that a rule's page gives in words and code."""

from __future__ import annotations

import inspect
import re

from trainwell.rules.catalogue import RULES

_CURE = re.compile(r"^\*Cure\*: (.*(?:\n(?!\n|\*|Reads:).+)*)", re.MULTILINE)


def cure(rule: str) -> str:
    """Return how a fault in one's own code is mended, or "" where an edit of the recipe does it.

    >>> cure("missing_zero_grad")
    'call `optimizer.zero_grad()` before each `loss.backward()`.'
    >>> cure("dead_units")
    ''
    """
    found = _CURE.search(inspect.getdoc(RULES[rule]) or "") if rule in RULES else None
    return " ".join(found.group(1).split()) if found else ""
