"""The tasks by name, and which of them suits what is given."""

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

# In the order of preference: the first that suits the targets is taken where nobody chooses.
TASKS: Catalogue[type[Task]] = Catalogue(
    "task",
    {task.name: task for task in (Binary, Classify, Regress, Multilabel, OneVsRest, OneVsOne, LanguageModel)},
)


def suitable(target_type: str, count: int) -> tuple[str, ...]:
    """Return the names of the tasks that can learn such targets, the usual one first.

    Args:
        target_type: as readers name it (`core/targets.py`).
        count: how many classes, labels or numbers there are.

    >>> suitable("classes", 2), suitable("numbers", 1)
    (('binary', 'classify'), ('regress',))
    """
    return tuple(name for name, task in TASKS.items() if task.suits(target_type, count))


def target_type_for(name: str) -> str:
    """Return as what a reader must take the targets for a task; empty where the reader may find out.

    >>> target_type_for("one_vs_one"), target_type_for("regress"), target_type_for("")
    ('classes', 'numbers', '')
    """
    return TASKS[name].target_type if name else ""


def suitable_for_network(targets: Tensor, outputs: int) -> str:
    """Return the name of the task for batches that are used as they are, and a network that is there already.

    Args:
        targets: those of a batch.
        outputs: numbers the network returns for one example.

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
    """Yield a sentence for each setting of [task] that differs from its default and that the task does not read.

    >>> from trainwell.recipe.sections import TaskRecipe
    >>> list(unread_settings(TaskRecipe(name="regress", label_smoothing=0.1)))
    ["task.label_smoothing must be 0 for the task 'regress', got 0.1: it is for classify. Leave it out."]
    """
    for setting in fields(recipe):
        given = getattr(recipe, setting.name)
        if setting.name in ("name", *TASKS[recipe.name].settings) or given == setting.default:
            continue
        readers = [name for name, task in TASKS.items() if setting.name in task.settings]
        yield (
            f"task.{setting.name} must be {setting.default:g} for the task {recipe.name!r}, got {given:g}: it is for "
            f"{' and '.join(readers)}. Leave it out."
        )


def task_of_criterion(takes: str) -> type[Task] | None:
    """Return the task of a loss of PyTorch by what it takes as input; None if it is none of these.

    Args:
        takes: "classes", "logits", "probabilities" or "numbers".

    >>> task_of_criterion("logits"), task_of_criterion("")
    (<class 'trainwell.tasks.binary.Binary'>, None)
    """
    return next((task for task in TASKS.values() if takes in task.criteria), None)
