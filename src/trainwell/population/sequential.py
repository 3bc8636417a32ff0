"""Sequential training of networks with the loop of `fit`, in portions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import final

from trainwell.core.errors import DivergedError, UsageError
from trainwell.fitting.job import build_loop, build_tools
from trainwell.optim import SCHEDULES
from trainwell.population.folds import Folds
from trainwell.population.result import ValidationResult
from trainwell.recipe import Recipe
from trainwell.train import Evaluation, State, require_finite, train


@final
class SingleTraining:
    """The training of one configuration on one fold, in portions.

    Args:
        recipe: the configuration.
        folds: the examples.
        number: of the fold.
    Raises:
        UsageError: if the schedule depends on the validation score.
    """

    def __init__(self, recipe: Recipe, folds: Folds, *, number: int = 0) -> None:
        parts = folds.parts(recipe, number)  # shared by recipes that differ in what is built here
        task = folds.task(recipe, parts.task.targets)
        if SCHEDULES[recipe.optim.schedule].by_score:
            raise UsageError(
                f"optim.schedule must be a function of the step to tune, got {recipe.optim.schedule!r}. "
                "Choose 'cosine'."
            )
        tools = build_tools(dataclasses.replace(parts, recipe=recipe, task=task, model=folds.network(recipe, number)))
        self.model = tools.parts.model
        self._job = build_loop(tools, self._after_step)
        self.state = State.before_training(tools.device, micro_batch=recipe.train.micro_batch)
        self._evaluation = Evaluation(
            self.model,
            task,
            splits={"validation": parts.data.splits["validation"]},
            average=tools.average,
            device=tools.device,
            check=lambda: self._check(),
        )
        self._until = 0
        self._check: Callable[[], None] = lambda: None
        self.reason = ""

    def train(self, epochs: int, check: Callable[[], None] = lambda: None) -> None:
        """Train until this number of epochs is done in total; a network that diverged is not trained further."""
        self._until = epochs
        self._check = check
        self.state.stop = ""
        if self.reason or epochs <= self.state.epoch:
            return
        try:
            for _ in train(self._job, self.state):
                pass
            require_finite(self.model, loss=0.0, learning_rate=self._job.optimization.optimizer.param_groups[0]["lr"])
        except DivergedError as problem:
            self.reason = str(problem)

    def result(self) -> ValidationResult:
        """Return the scores of the network as it is now."""
        if self.reason:
            return ValidationResult({}, self.reason)
        with self._evaluation.scored() as found:
            scores = found["validation"]
        if not math.isfinite(scores["loss"]):
            self.reason = f"The validation loss became {scores['loss']}."
            return ValidationResult({}, self.reason)
        return ValidationResult(scores)

    def _after_step(self, state: State) -> None:
        self._check()
        if state.current.position == 0 and state.epoch >= self._until:
            state.stop = "this portion is done"


@final
class SequentialTraining:
    """The training of some configurations, each on every fold, one at a time.

    Args:
        recipes: the configurations.
        folds: the examples.
    """

    def __init__(self, recipes: Sequence[Recipe], folds: Folds) -> None:
        self._recipes = list(recipes)
        self._folds = folds
        self._trainings: list[list[SingleTraining] | None] = [None] * len(recipes)  # each is built when it begins

    def train(self, fraction: float, check: Callable[[], None] = lambda: None) -> None:
        """Train every configuration until a fraction of its own epochs is done."""
        for number, recipe in enumerate(self._recipes):
            trainings = self._trainings[number] or [
                SingleTraining(recipe, self._folds, number=fold) for fold in range(self._folds.count)
            ]
            self._trainings[number] = trainings
            for training in trainings:
                training.train(math.ceil(fraction * recipe.train.epochs), check)

    def results(self) -> list[list[ValidationResult]]:
        """Return, for each configuration, the result on each fold."""
        return [[training.result() for training in trainings or ()] for trainings in self._trainings]

    def keep(self, positions: Sequence[int]) -> None:
        """Continue with these configurations only; the memory of the others is freed."""
        self._recipes = [self._recipes[position] for position in positions]
        self._trainings = [self._trainings[position] for position in positions]
