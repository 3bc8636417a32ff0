from __future__ import annotations

import numpy as np

from trainwell.data.values.naming import class_name, listing, numbered, shorten


def test_names_are_safe_to_print() -> None:
    assert shorten(["a\x1b[31m", "b"], 2) == "a[31m, b"
    assert listing(numbered("row", 10), np.arange(10) >= 2) == "row 2, row 3, row 4, row 5, row 6 and 3 more (8 of 10)"


def test_whole_numbers_are_named_without_a_decimal_point() -> None:
    assert [class_name(value) for value in (3.0, 2.5, "3.0", True)] == ["3", "2.5", "3.0", "True"]
