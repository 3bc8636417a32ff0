"""Every catalogue that a setting can choose from, and the dependencies between names and settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from trainwell.core.facts import Facts
from trainwell.nn import (
    ACTIVATIONS,
    BACKBONES,
    INITIALISATIONS,
    MODELS,
    NORMALISATION_NAMES,
    POOLING_NAMES,
    PREFIX,
)
from trainwell.optim import OPTIMIZERS, SCHEDULES
from trainwell.recipe import Choice, Choices, preset
from trainwell.recipe.schema import SETTINGS
from trainwell.recipe.sections import TaskRecipe
from trainwell.recipe.sections.setting import Values
from trainwell.tasks import TASKS, unread_settings

CUSTOM = "custom"  # nn.model of a network that was given from Python

CATALOGUES: Mapping[str, Iterable[str]] = {
    "model": MODELS,
    "activation": ACTIVATIONS,
    "initialisation": INITIALISATIONS,
    "normalisation": NORMALISATION_NAMES,
    "pooling": POOLING_NAMES,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "task": TASKS,
}
"""Kind of name ("optimizer") to the valid names, including entries registered later."""


def catalogues(*, custom: bool) -> Mapping[str, Iterable[str]]:
    """Return the valid names of every setting; the name of a network from Python only if `custom`."""
    return {**CATALOGUES, "model": (*MODELS, CUSTOM)} if custom else CATALOGUES


def choices() -> Choices:
    """Return the dependencies of names, by the key of the setting that chooses them.

    >>> sorted(choices()["optim.name"]["sgd"].uses)
    ['optim.momentum', 'optim.nesterov']
    """
    return {
        "nn.model": {PREFIX: BACKBONES} | {name: entry.choice for name, entry in MODELS.items()},
        "optim.name": {name: entry.choice(name) for name, entry in OPTIMIZERS.items()},
        "optim.schedule": {name: entry.choice for name, entry in SCHEDULES.items()},
        "task.name": {name: _task_choice(name) for name in TASKS},
    }


def _task_choice(name: str) -> Choice:
    def relation(values: Values) -> Iterator[str]:
        own = {key.removeprefix("task."): value for key, value in values.items() if key.startswith("task.")}
        return unread_settings(TaskRecipe(**own))

    return Choice(uses=frozenset(f"task.{setting}" for setting in TASKS[name].settings), relation=relation)


def usual_learning_rate(facts: Facts, optimizer: str) -> float:
    """Return the default learning rate for data, a network and an optimizer.

    Args:
        facts: of the data and the network.
        optimizer: its name.

    >>> usual_learning_rate(Facts(sizes={"train": 5000}), "sgd"), usual_learning_rate(Facts(model="vgg16"), "adamw")
    (0.03, 0.0002)
    """
    chosen = preset(facts, choices(), optimizer=optimizer)
    usual, _ = chosen.get("optim.learning_rate", (SETTINGS["optim.learning_rate"].default, ""))
    assert isinstance(usual, float)
    return usual
