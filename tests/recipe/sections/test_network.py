"""The [nn] section beside the others."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"nn.normalisation": "batch", "train.batch_size": 1}, "train.batch_size must be at least 2"),
        ({"nn.normalisation": "decorrelated", "train.micro_batch": 1}, "train.micro_batch must be at least 2"),
        ({"nn.normalisation": "weight", "optim.max_norm": 3}, "optim.max_norm must be inf"),
        ({"nn.normalisation": "weight", "nn.dropconnect": 0.5}, "nn.dropconnect must be 0"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(the_mistake, edits, words) -> None:
    assert words in the_mistake(edits)
