"""Trials and ranges in Optuna's classes."""

from __future__ import annotations

import optuna
import pytest

from trainwell.search.trials.optuna_format import suggest, to_distribution, to_optuna_trial
from trainwell.search.trials.read_space import make_space
from trainwell.search.trials.trial import Trial, ValidationScores

SPACE = make_space({"optim.learning_rate": "log:1e-4..1", "nn.hidden": [[8], [8, 8]], "train.batch_size": "log:8..64"})


def test_a_trial_keeps_its_settings_score_and_rungs() -> None:
    scores = ValidationScores(0.5, {"loss": 1.0}, rungs={1: 0.4, 3: 0.5})
    settings = {"optim.learning_rate": 0.1, "nn.hidden": (8, 8)}
    frozen = to_optuna_trial(Trial(4, settings, state="stopped", validation=scores), SPACE)
    assert frozen.params == {"optim.learning_rate": 0.1, "nn.hidden": "[8, 8]"}
    assert frozen.state.name == "PRUNED" and frozen.value == 0.5 and frozen.intermediate_values == {1: 0.4, 3: 0.5}
    assert frozen.user_attrs["number"] == 4


def test_a_diverged_trial_has_no_value() -> None:
    frozen = to_optuna_trial(Trial(0, {"optim.learning_rate": 1.0}, state="diverged", reason="NaN"), SPACE)
    assert frozen.state.name == "FAIL" and frozen.value is None


@pytest.mark.parametrize("key", SPACE.settings)
def test_what_optuna_suggests_is_a_value_of_the_setting(key: str) -> None:
    setting = SPACE.settings[key]
    asked = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    value = suggest(asked, key, setting=setting)
    assert asked.distributions[key] == to_distribution(setting)
    assert 0 <= setting.fraction(value) <= 1
    assert isinstance(value, {"nn.hidden": tuple, "train.batch_size": int}.get(key, float))
