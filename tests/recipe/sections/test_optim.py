"""The [optim] section beside the others."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"optim.schedule": "step", "train.epochs": 10}, "optim.step_epochs must be less than train.epochs = 10"),
        ({"optim.schedule": "plateau", "optim.plateau_epochs": 30}, "optim.plateau_epochs must be less than"),
        ({"optim.schedule": "plateau", "optim.step_factor": 2}, "optim.step_factor must be less than 1"),
        ({"optim.name": "nesterov", "optim.momentum": 0}, "optim.momentum must be greater than 0"),
        ({"optim.name": "lbfgs", "train.clip_norm": 1}, "train.clip_norm must be 0"),
        ({"optim.name": "lbfgs", "optim.decoupled": True}, "optim.decoupled must be false"),
    ],
)
def test_settings_that_make_no_sense_together_are_refused(the_mistake, edits, words) -> None:
    assert words in the_mistake(edits)
