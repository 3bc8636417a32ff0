"""The [transfer] section beside the others."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"transfer.freeze": "features"}, "transfer.freeze must be 'none' for a network from scratch"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(the_mistake, edits, words) -> None:
    assert words in the_mistake(edits)
