"""The text of an audit."""

from __future__ import annotations

import sys

from trainwell.data import examine, read, split
from trainwell.recipe.sections import DataRecipe
from trainwell.report.text.audit import audit_text


def test_sizes_inputs_and_findings_are_written() -> None:
    examples = read(DataRecipe(source="iris"))
    text = audit_text(examine(examples, split(examples, DataRecipe(), seed=0), labels=False))
    assert "150 examples" in text and "1 pair of duplicates" in text
    assert max(map(len, text.splitlines())) <= 100


def test_what_could_not_be_looked_at_is_said(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    examples = read(DataRecipe(source="iris"))
    text = audit_text(examine(examples, split(examples, DataRecipe(), seed=0)))
    assert "note: " in text and "trainwell[labels]" in text
