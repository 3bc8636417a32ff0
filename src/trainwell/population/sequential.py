"""One network after the other, by the same loop that `fit` runs; each can pause and go on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.core.errors import DivergedError, UsageError
from trainwell.fitting.build import build_augmentation
from trainwell.fitting.job import build_rate, build_update
from trainwell.optim import optimizer
from trainwell.population.folds import Ground
from trainwell.recipe import Recipe
from trainwell.train import Average, Job, State, choose_device, evaluate, placed, train

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
        self._parts = ground.parts(recipe, fold)
        preparation = self._parts.preparation
        self._task = ground.task(recipe, preparation) if preparation else self._parts.task
        self._device = choose_device(recipe.train.device)
        self.model = placed(ground.network(recipe, fold), self._device).train()
        built = optimizer(self.model, recipe.optim)
        self._average = Average(self.model, recipe.train.ema) if recipe.train.ema else None
        augment = build_augmentation(recipe, self._parts.input_facts, self._parts.preparation)
        device = self._device
        if recipe.optim.schedule == "plateau":
            raise UsageError(
                "optim.schedule must be a function of the step to tune, got 'plateau'. Choose 'cosine' or 'step'."
            )
        update, see = build_update(self.model, self._task, recipe, optimizer=built, average=self._average)

        def prepare(batch: Batch) -> Batch:
            batch = batch.to(device) if device.type != "cpu" else batch
            return see(augment(batch) if augment else batch)

        epochs = recipe.train.epochs
        self._job = Job(
            model=self.model,
            task=self._task,
            optimizer=built,
            rate=build_rate(recipe, len(self._parts.train)),
            batches=self._parts.train,
            epochs=epochs,
            seed=recipe.seed,
            device=device,
            prepare=prepare,
            update=update,
            after_step=self._after_step,
        )
        self.state = State(micro_batch=recipe.train.micro_batch, loss_sum=torch.zeros((), device=device))
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
            self._finite()
        except DivergedError as problem:
            self.reason = str(problem)

    def outcome(self) -> Outcome:
        """Score the network as it is on its validation part."""
        if self.reason:
            return Outcome({}, self.reason)
        if self._average:
            self._average.swap()
        scores, _ = evaluate(
            self.model, self._task, self._parts.splits["validation"], device=self._device, check=self._check
        )
        if self._average:
            self._average.swap()
        if not math.isfinite(scores["loss"]):
            self.reason = f"The validation loss became {scores['loss']}."
            return Outcome({}, self.reason)
        return Outcome(scores)

    def _after_step(self, state: State) -> None:
        self._check()
        if state.position == 0 and state.epoch >= self._until:
            state.stop = "enough for now"

    def _finite(self) -> None:
        weights: list[Tensor] = [tensor for tensor in self.model.state_dict().values() if tensor.is_floating_point()]
        if not all(norm.isfinite() for norm in torch._foreach_norm(weights)):
            raise DivergedError("The weights stopped being finite numbers.")


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
