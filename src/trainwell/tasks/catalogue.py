"""The tasks by name, and the task for given targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from torch import Tensor

from trainwell.core.catalogue import Catalogue
from trainwell.core.contracts.task import Task
from trainwell.core.targets import CLASSES, LABEL_SETS, NUMBERS, TargetFacts
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks.binary import Binary
from trainwell.tasks.classify import Classify
from trainwell.tasks.language_model import LanguageModel
from trainwell.tasks.multilabel import Multilabel
from trainwell.tasks.one_vs_one import OneVsOne
from trainwell.tasks.one_vs_rest import OneVsRest
from trainwell.tasks.regress import Regress

# In order of preference: the default is the first that suits the targets.
TASKS: Catalogue[type[Task]] = Catalogue(
    "task",
    {task.name: task for task in (Binary, Classify, Regress, Multilabel, OneVsRest, OneVsOne, LanguageModel)},
)


def suitable(target_type: str, count: int) -> tuple[str, ...]:
    """Return the names of the tasks for such targets, the default first.

    Args:
        target_type: as readers name it (`core/targets.py`).
        count: number of classes, labels or numbers.

    >>> suitable("classes", 2), suitable("numbers", 1)
    (('binary', 'classify'), ('regress',))
    """
    return tuple(name for name, task in TASKS.items() if task.suits(target_type, count))


def target_type_for(name: str) -> str:
    """Return the target type that a task needs; empty where the reader may infer it.

    >>> target_type_for("one_vs_one"), target_type_for("regress"), target_type_for("")
    ('classes', 'numbers', '')
    """
    return TASKS[name].target_type if name else ""


def suitable_for_network(targets: Tensor, outputs: int) -> str:
    """Return the name of the task for a user's batches and network.

    Args:
        targets: the targets of a batch.
        outputs: number of outputs of the network per example.

    >>> import torch
    >>> [suitable_for_network(torch.tensor([0, 1]), outputs) for outputs in (1, 2, 3)]
    ['binary', 'classify', 'classify']
    """
    if targets.is_floating_point():
        return suitable(NUMBERS, outputs)[0]
    if targets.ndim == 2:
        return suitable(LABEL_SETS, outputs)[0]
    count = max(outputs, 2)
    built = {name: TASKS[name].build(TaskRecipe(), TargetFacts(count)) for name in suitable(CLASSES, count)}
    return next(name for name, task in built.items() if task.outputs == outputs)


def unread_settings(recipe: TaskRecipe) -> Iterator[str]:
    """Yield a message for each setting of [task] that differs from its default but does not apply to the task.

    >>> from trainwell.recipe.sections import TaskRecipe
    >>> list(unread_settings(TaskRecipe(name="regress", label_smoothing=0.1)))
    ["task.label_smoothing must be 0 for the task 'regress', got 0.1: it applies to classify. Omit it."]
    """
    for setting in fields(recipe):
        given = getattr(recipe, setting.name)
        if setting.name in ("name", *TASKS[recipe.name].settings) or given == setting.default:
            continue
        readers = [name for name, task in TASKS.items() if setting.name in task.settings]
        yield (
            f"task.{setting.name} must be {setting.default:g} for the task {recipe.name!r}, got {given:g}: it applies "
            f"to {' and '.join(readers)}. Omit it."
        )


def task_of_criterion(takes: str) -> type[Task] | None:
    """Return the task of a PyTorch loss by the type of its input; None for any other.

    Args:
        takes: "classes", "logits", "probabilities" or "numbers".

    >>> task_of_criterion("logits"), task_of_criterion("")
    (<class 'trainwell.tasks.binary.Binary'>, None)
    """
    return next((task for task in TASKS.values() if takes in task.criteria), None)
