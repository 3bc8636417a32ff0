"""What is learned: one task per file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trainwell.core.catalogue import Catalogue
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks.auxiliary import Auxiliary as Auxiliary
from trainwell.tasks.baselines import baselines as baselines
from trainwell.tasks.binary import Binary as Binary
from trainwell.tasks.classify import Classify as Classify
from trainwell.tasks.multilabel import Multilabel as Multilabel
from trainwell.tasks.one_against import OneVsOne as OneVsOne
from trainwell.tasks.one_against import OneVsRest as OneVsRest
from trainwell.tasks.regress import Regress as Regress
from trainwell.tasks.task import Prediction as Prediction
from trainwell.tasks.task import Task as Task


@dataclass(frozen=True)
class TargetFacts:
    """What a task needs to know of the targets.

    Args:
        outputs: numbers the network returns for one example.
        mean: mean of each numeric target on the training split.
        deviation: standard deviation of each numeric target on the training split.
    """

    outputs: int
    mean: Sequence[float] = (0.0,)
    deviation: Sequence[float] = (1.0,)


def _classify(recipe: TaskRecipe, targets: TargetFacts) -> Task:
    return Classify(classes=targets.outputs, label_smoothing=recipe.label_smoothing)


def _binary(recipe: TaskRecipe, targets: TargetFacts) -> Task:
    return Binary()


def _regress(recipe: TaskRecipe, targets: TargetFacts) -> Task:
    return Regress(mean=targets.mean, deviation=targets.deviation)


def _multilabel(recipe: TaskRecipe, targets: TargetFacts) -> Task:
    return Multilabel(labels=targets.outputs)


def _one_vs_rest(recipe: TaskRecipe, targets: TargetFacts) -> Task:
    return OneVsRest(classes=targets.outputs)


def _one_vs_one(recipe: TaskRecipe, targets: TargetFacts) -> Task:
    return OneVsOne.from_outputs(targets.outputs)


# Tasks whose answer is one class, by any way.
ONE_CLASS = ("classify", "binary", "one_vs_rest", "one_vs_one")


TASKS: Catalogue[Callable[[TaskRecipe, TargetFacts], Task]] = Catalogue(
    "task",
    {
        "classify": _classify,
        "binary": _binary,
        "regress": _regress,
        "multilabel": _multilabel,
        "one_vs_rest": _one_vs_rest,
        "one_vs_one": _one_vs_one,
    },
)
