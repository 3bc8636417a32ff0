"""The [train] section beside the others."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"train.micro_batch": 128}, "train.micro_batch must be at most train.batch_size = 64"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(the_mistake, edits, words) -> None:
    assert words in the_mistake(edits)
