"""Many networks trained as one program: their parameters are stacked, and one step updates all of them.

Most of a small network's step is overhead, and a step for 64 small networks has hardly more of it than a step for one.
Member k of a population equals the network trained alone, up to rounding.

Letters: W members of a stack, B examples of a batch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn

from trainwell.core.seeds import derive
from trainwell.fitting.build import build_augmentation
from trainwell.optim import schedule
from trainwell.population.batches import StackBatches
from trainwell.population.compatibility import Member
from trainwell.population.folds import Fold, Folds
from trainwell.population.gradients import clip_gradients
from trainwell.population.grouped import group_layers
from trainwell.population.program import SharedProgram
from trainwell.population.result import ValidationResult
from trainwell.population.scoring import score_fold
from trainwell.population.stack import OPTIMIZER_SETTINGS, MemberStack, build_stack, restack
from trainwell.recipe.sections import OptimRecipe, TaskRecipe

WIDTH = 64  # members of a stack: enough to share the overhead, few enough to stay near the caches (measured)
# With grouped layers, 32 was best for networks of 7,000 and of 25,000 parameters (measured; 16 and 64 within 10 %).
# Where images are large, as many as keep the output of the first convolution in a core's caches (LeNet-5: 4).
_GROUPED_WIDTH = 32
_SMALLEST_GROUPED_WIDTH = 4
_CACHE_BYTES = 5_000_000
# Defaults of the settings on which a schedule does not depend.
_NOT_SCHEDULED: dict[str, Any] = {name: OptimRecipe.__dataclass_fields__[name].default for name in OPTIMIZER_SETTINGS}
_DIVERGED = "The loss or a weight became non-finite (NaN or Inf) in epoch {}; the learning rate was {:.3g}."


@final
class Population:
    """Members that share a program, trained together in stacks.

    Args:
        members: the members; their keys are equal.
        folds: the examples.
        width: members of a stack.
    """

    def __init__(self, members: Sequence[Member], folds: Folds, *, width: int = WIDTH) -> None:
        recipe = members[0].recipe
        self._data = folds
        self._width = width
        self._epochs = recipe.train.epochs
        self._folds: Mapping[int, Fold] = {member.fold: folds.fold(member.recipe, member.fold) for member in members}
        first = self._folds[members[0].fold]
        task = folds.task(recipe, first.targets)
        self._program = SharedProgram(
            members[0].model,
            task,
            input_shape=first.input_shape,
            has_dropout=any(member.recipe.nn.dropout for member in members),
        )
        augment = build_augmentation(recipe, first.preparation.facts, preparation=first.preparation, task=task)
        self._batches = StackBatches(folds, batch_size=recipe.train.batch_size, augment=augment)
        self._steps_per_epoch = self._batches.steps(members[0])
        self._clips = any(member.recipe.train.clip_norm for member in members)
        loss_settings = _varied(task.settings, [member.recipe.task for member in members])
        self.stacks = [
            build_stack(
                members[start : start + width],
                range(start, min(start + width, len(members))),
                model=self._program.model,
                loss_settings=loss_settings,
            )
            for start in range(0, len(members), width)
        ]

    def train(self, fraction: float, check: Callable[[], None] = lambda: None) -> None:
        """Train every member until a fraction of its epochs is done.

        Args:
            fraction: in [0, 1].
            check: called at every step; raises an exception to stop.
        """
        until = math.ceil(fraction * self._epochs)
        for stack in self.stacks:
            rates = self._learning_rates(stack)
            while stack.epoch < until:
                self._train_epoch(stack, rates, check=check)

    def results(self) -> list[ValidationResult]:
        """Return the scores of every member on the validation part of its fold."""
        found: dict[int, ValidationResult] = {}
        for stack in self.stacks:
            found |= zip(stack.positions, self._score(stack), strict=True)
        return [found[position] for position in sorted(found)]

    def keep(self, positions: Sequence[int]) -> None:
        """Continue with these members only, in as few stacks as they need."""
        wanted = {position: number for number, position in enumerate(positions)}
        parts = []
        for stack in self.stacks:
            rows = [row for row, position in enumerate(stack.positions) if position in wanted]
            if rows:
                part = stack.select(rows)
                part.positions = [wanted[position] for position in part.positions]
                parts.append(part)
        self.stacks = restack(parts, self._width)

    def weights(self, position: int) -> dict[str, Tensor]:
        """Return the parameters of one member by name.

        Raises:
            IndexError: there is no such member.
        """
        for stack in self.stacks:
            if position in stack.positions:
                row = stack.positions.index(position)
                return {name: tensor[row] for name, tensor in stack.tensors.weights.items()}
        raise IndexError(position)

    def _train_epoch(self, stack: MemberStack, rates: Tensor, *, check: Callable[[], None]) -> None:
        """Train one epoch in place and note which members diverged in it."""
        tensors = stack.tensors
        total = torch.zeros(len(stack.members))
        step = stack.epoch * self._steps_per_epoch
        base_seed = self._data.plan.recipe.seed
        for batch in self._batches.epoch(stack):
            check()
            # As in the loop of a single run, the random numbers of a step are a function of (seed, epoch, step).
            torch.default_generator.manual_seed(derive(base_seed, "step", epoch=stack.epoch, step=step))
            inputs, targets, shared = self._batches.augmented(batch)
            gradients, tensors.buffers, loss = self._program.gradient(
                tensors.weights,
                tensors.buffers,
                settings=tensors.loss_settings,
                batch=(inputs, targets),
                shared=shared,
            )
            if self._clips:
                gradients = clip_gradients(gradients, tensors.clip_norm)
            tensors.weights, tensors.slots = stack.optimizer.step(
                tensors.weights, gradients, state=tensors.slots, rates=rates[step], number=step + 1
            )
            total += loss
            step += 1
        stack.epoch += 1
        finite = total.isfinite()
        for weight in tensors.weights.values():
            finite &= weight.flatten(1).isfinite().all(dim=1)
        tensors.diverged[(tensors.diverged == 0) & ~finite] = stack.epoch

    def _learning_rates(self, stack: MemberStack) -> Tensor:
        """Return the learning rate of every step and member, (steps, W)."""
        steps = self._steps_per_epoch * self._epochs
        factors: dict[OptimRecipe, Tensor] = {}
        columns = []
        for member in stack.members:
            scheduled = dataclasses.replace(member.recipe.optim, learning_rate=1.0, **_NOT_SCHEDULED)
            if scheduled not in factors:
                rate = schedule(scheduled, steps=steps, epochs=self._epochs)
                factors[scheduled] = torch.tensor([rate(step) for step in range(steps)], dtype=torch.float64)
            columns.append(factors[scheduled] * member.recipe.optim.learning_rate)
        return torch.stack(columns, dim=1).float()

    def _score(self, stack: MemberStack) -> list[ValidationResult]:
        """Score the members of a stack, fold by fold."""
        results: list[ValidationResult | None] = [
            ValidationResult({}, _DIVERGED.format(int(epoch), member.recipe.optim.learning_rate)) if epoch else None
            for epoch, member in zip(stack.tensors.diverged, stack.members, strict=True)
        ]
        self._program.model.eval()
        for number, fold in self._folds.items():
            rows = [row for row, member in enumerate(stack.members) if member.fold == number and results[row] is None]
            if rows:
                for row, result in zip(rows, self._score_fold(stack.select(rows), fold), strict=True):
                    results[row] = result
        self._program.model.train()
        return [result for result in results if result is not None]

    def _score_fold(self, stack: MemberStack, fold: Fold) -> list[ValidationResult]:
        tensors = stack.tensors
        return score_fold(
            self._program.forward(tensors.weights, tensors.buffers),
            fold,
            tasks=[self._data.task(member.recipe, fold.targets) for member in stack.members],
            settings=tensors.loss_settings,
        )


def good_width(member: Member, input_shape: Sequence[int]) -> int:
    """Return how many networks like this one make a fast stack of grouped layers; 0 if they have to be mapped."""
    if group_layers(member.model, input_shape) is None:
        return 0
    first = next((layer for layer in member.model.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None:
        return _GROUPED_WIDTH
    output_bytes = 4 * first.out_channels * math.prod(input_shape[1:]) * member.recipe.train.batch_size
    fitting = min(max(_CACHE_BYTES // output_bytes, _SMALLEST_GROUPED_WIDTH), _GROUPED_WIDTH)
    return int(2 ** math.floor(math.log2(fitting)))


def _varied(names: Sequence[str], recipes: Sequence[TaskRecipe]) -> tuple[str, ...]:
    """Return the settings that a recipe does not leave at its default."""
    default = TaskRecipe()
    return tuple(name for name in names if any(getattr(recipe, name) != getattr(default, name) for recipe in recipes))
