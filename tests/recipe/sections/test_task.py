"""The [task] section beside the others."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"task.name": "regress", "task.label_smoothing": 0.1}, "task.label_smoothing must be 0"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(the_mistake, edits, words) -> None:
    assert words in the_mistake(edits)
