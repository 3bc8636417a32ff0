"""Facts know nothing until told."""

from __future__ import annotations

from trainwell.core.facts import Facts


def test_everything_is_unknown_at_first() -> None:
    facts = Facts()
    assert facts.chance_loss is None
    assert facts.learning_rate is None
    assert not facts.task
