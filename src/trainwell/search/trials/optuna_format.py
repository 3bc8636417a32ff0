"""Ranges, choices and trials in Optuna's classes: for its samplers and for its dashboard."""

from __future__ import annotations

from typing import Any

from trainwell.recipe.sections.setting import Value
from trainwell.search.trials.space import Categorical, Range, Space
from trainwell.search.trials.trial import Trial

NUMBER = "number"  # the attribute with a trial's number in its search; Optuna numbers trials as they are added
_STATES = {"done": "COMPLETE", "stopped": "PRUNED", "diverged": "FAIL"}


def to_distribution(setting: Range | Categorical) -> Any:
    """Return the Optuna distribution of a range or choice; values that are lists become text."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(setting, Categorical):
        return CategoricalDistribution([_plain(value) for value in setting.values])
    if setting.whole:
        return IntDistribution(int(setting.low), int(setting.high), log=setting.log)
    return FloatDistribution(setting.low, setting.high, log=setting.log)


def suggest(trial: Any, key: str, *, setting: Range | Categorical) -> Value:
    """Return the value that an Optuna trial suggests for a setting."""
    if isinstance(setting, Categorical):
        suggested = trial.suggest_categorical(key, [_plain(value) for value in setting.values])
        return next(value for value in setting.values if _plain(value) == suggested)
    value: Value
    if setting.whole:
        value = trial.suggest_int(key, int(setting.low), int(setting.high), log=setting.log)
    else:
        value = trial.suggest_float(key, setting.low, setting.high, log=setting.log)
    return value


def to_optuna_trial(trial: Trial, space: Space) -> Any:
    """Return a trial as an `optuna.trial.FrozenTrial`; its attribute "trial" holds all that Optuna has no field for."""
    from optuna.trial import TrialState, create_trial

    return create_trial(
        state=TrialState[_STATES[trial.state]],
        params={key: _plain(value) for key, value in trial.settings.items()},
        distributions={key: to_distribution(space.settings[key]) for key in trial.settings},
        value=trial.score if trial.state != "diverged" else None,
        intermediate_values=dict(trial.rungs),
        user_attrs={NUMBER: trial.number, "trial": trial.text},
    )


def _plain(value: Value) -> bool | int | float | str:
    return str(list(value)) if isinstance(value, tuple) else value
