"""One network after the other, by the same loop that `fit` runs; each can pause and go on."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch

from trainwell.core.errors import DivergedError, UsageError
from trainwell.fitting.job import build_loop, build_tools
from trainwell.optim import SCHEDULES
from trainwell.population.folds import Ground
from trainwell.recipe import Recipe
from trainwell.train import Evaluation, State, require_finite, train

Scores = dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """How well one network does on what it may be chosen by.

    Args:
        scores: of the validation part, with "loss"; empty if it diverged.
        reason: why there are none; empty if there are.
    """

    scores: Scores
    reason: str = ""


@final
class Single:
    """One configuration on one fold, ready to train in portions.

    Args:
        recipe: every setting.
        ground: the data.
        fold: number of the fold.
    """

    def __init__(self, recipe: Recipe, ground: Ground, fold: int = 0) -> None:
        parts = ground.parts(recipe, fold)  # shared by recipes that differ in what is built here
        task = ground.task(recipe, parts.preparation) if parts.preparation else parts.task
        if SCHEDULES[recipe.optim.schedule].by_score:
            raise UsageError(
                f"optim.schedule must be a function of the step to tune, got {recipe.optim.schedule!r}. "
                "Choose 'cosine'."
            )
        tools = build_tools(dataclasses.replace(parts, recipe=recipe, task=task, model=ground.network(recipe, fold)))
        self.model = tools.parts.model
        self._job = build_loop(tools, self._after_step)
        self.state = State(micro_batch=recipe.train.micro_batch, loss_sum=torch.zeros((), device=tools.device))
        self._evaluation = Evaluation(
            self.model,
            task,
            splits={"validation": parts.splits["validation"]},
            average=tools.average,
            device=tools.device,
            check=lambda: self._check(),
        )
        self._until = 0
        self._check: Callable[[], None] = lambda: None
        self.reason = ""

    def train(self, epochs: int, check: Callable[[], None] = lambda: None) -> None:
        """Train until so many epochs are done in all; a network that diverges keeps its reason and stays as it is."""
        self._until, self._check, self.state.stop = epochs, check, ""
        if self.reason or epochs <= self.state.epoch:
            return
        try:
            for _ in train(self._job, self.state):
                pass
            require_finite(self.model, loss=0.0, learning_rate=self._job.optimization.optimizer.param_groups[0]["lr"])
        except DivergedError as problem:
            self.reason = str(problem)

    def outcome(self) -> Outcome:
        """Score the network as it is on its validation part."""
        if self.reason:
            return Outcome({}, self.reason)
        with self._evaluation.scored() as found:
            scores = found["validation"]
        if not math.isfinite(scores["loss"]):
            self.reason = f"The validation loss became {scores['loss']}."
            return Outcome({}, self.reason)
        return Outcome(scores)

    def _after_step(self, state: State) -> None:
        self._check()
        if state.position == 0 and state.epoch >= self._until:
            state.stop = "enough for now"


@final
class Sequential:
    """Some configurations, each on every fold, trained one at a time.

    Args:
        recipes: the configurations.
        ground: the data.
    """

    def __init__(self, recipes: Sequence[Recipe], ground: Ground) -> None:
        self._recipes = list(recipes)
        self._ground = ground
        self._singles: list[list[Single] | None] = [None] * len(recipes)  # built when their turn comes

    def train(self, share: float, check: Callable[[], None] = lambda: None) -> None:
        """Train every configuration until a share of its own epochs is done."""
        for number, recipe in enumerate(self._recipes):
            singles = self._singles[number] or [
                Single(recipe, self._ground, fold) for fold in range(self._ground.folds)
            ]
            self._singles[number] = singles
            for single in singles:
                single.train(math.ceil(share * recipe.train.epochs), check)

    def outcomes(self) -> list[list[Outcome]]:
        """Return for each configuration the outcome on each fold."""
        return [[single.outcome() for single in singles or ()] for singles in self._singles]

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with these only; the memory of the others is given back."""
        self._recipes = [self._recipes[position] for position in positions]
        self._singles = [self._singles[position] for position in positions]
