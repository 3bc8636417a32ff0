"""The options of a search."""

from __future__ import annotations

import dataclasses
import math

import pytest

from trainwell.core.errors import UsageError
from trainwell.search.options import Compute, FinalEvaluation, Options, StopRule


@pytest.mark.parametrize(
    ("group", "wrong", "said"),
    [
        (Compute, {"workers": -1}, "--workers must be at least 0, got -1"),
        (FinalEvaluation, {"repeats": 1}, "0, or at least 2"),
        (FinalEvaluation, {"repeats": -2}, "0, or at least 2"),
        (StopRule, {"target": math.nan}, "--target-score must be a number"),
    ],
)
def test_a_mistake_is_one_sentence(group: type, wrong: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        group(**wrong)
    assert "\n" not in str(caught.value)


def test_no_constructor_takes_more_than_seven_arguments() -> None:
    for group in (Compute, FinalEvaluation, StopRule, Options):
        assert len(dataclasses.fields(group)) <= 7
