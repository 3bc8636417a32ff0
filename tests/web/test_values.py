from __future__ import annotations

import json
import math

from trainwell.web.values import clean, finite


def test_numbers_that_json_cannot_hold_are_none() -> None:
    assert [finite(value) for value in (1.5, math.inf, math.nan, None)] == [1.5, None, None, None]


def test_nested_values_are_cleaned() -> None:
    value = {"a\x1b": [{"b": math.nan}, "x\u202ey", 3, None, True]}
    assert clean(value) == {"a": [{"b": None}, "xy", 3, None, True]}
    json.dumps(clean(value), allow_nan=False)
