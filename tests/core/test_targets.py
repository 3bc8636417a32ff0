"""What is known of the targets goes through JSON without loss."""

from __future__ import annotations

import json

import pytest

from trainwell.core.targets import TargetFacts


@pytest.mark.parametrize(
    "facts", [TargetFacts(2, ("no", "yes")), TargetFacts(3), TargetFacts(2, (), (0.1, 1e30), (1.0, 3.0))]
)
def test_there_and_back(facts) -> None:
    assert TargetFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_something_else_is_refused() -> None:
    with pytest.raises(KeyError):
        TargetFacts.from_json({"labels": []})
