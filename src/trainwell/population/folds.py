"""The examples that networks train on, divided into folds; the test split is left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from trainwell.core.errors import DataError, UsageError
from trainwell.core.facts import InputFacts
from trainwell.core.seeds import derive
from trainwell.data import Preparation, Splits
from trainwell.fitting import Plan
from trainwell.fitting.build import build_network, build_parts, build_task
from trainwell.fitting.parts import Parts
from trainwell.recipe import Recipe
from trainwell.recipe.sections import TransferRecipe
from trainwell.tasks import TASKS, TargetFacts, Task

# Builds the network of a recipe, given the facts of the inputs and the number of outputs.
NetworkBuilder = Callable[[Recipe, InputFacts, int], nn.Module]


_KEPT = 4  # prepared data sets that are kept for networks that train one at a time


@dataclass(frozen=True)
class Fold:
    """One division of the examples, with the preparation fitted on its own training part.

    Args:
        tensors: "inputs" and "targets" of all examples.
        splits: numbers of the training and validation examples.
        preparation: fitted on the training examples.
        targets: facts about the targets of the training examples.
        outputs: number of outputs of the network.
    """

    tensors: dict[str, Tensor]
    splits: Splits
    preparation: Preparation
    targets: TargetFacts
    outputs: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one prepared example."""
        return self.preparation.input_shape


@dataclass(frozen=True)
class StartNetwork:
    """A network before training, from which many members can start.

    Args:
        model: the network.
        structure: equal for networks that can share a program.
        dropout_buffers: names of the buffers with a dropout probability.
        is_shared: True if it is a function of the recipe, so that other members can start from it.
    """

    model: nn.Module
    structure: Hashable
    dropout_buffers: tuple[str, ...]
    is_shared: bool


@dataclass(frozen=True)
class Folds:
    """The examples, divided into folds.

    Args:
        plan: recipe, examples and splits; its test split is not used.
        splits: of each fold; one fold for the plan's own training and validation split.
        build: builds the network of a recipe.
        networks: networks that several members start from; `make_member` keeps them.
    """

    plan: Plan
    splits: tuple[Splits, ...]
    build: NetworkBuilder = build_network
    networks: dict[Hashable, StartNetwork] = field(default_factory=dict, repr=False, compare=False)
    _folds: dict[tuple[object, ...], Fold] = field(default_factory=dict, repr=False, compare=False)
    _parts: dict[tuple[object, ...], Parts] = field(default_factory=dict, repr=False, compare=False)

    @property
    def count(self) -> int:
        """Number of folds: how many times each configuration is trained."""
        return len(self.splits)

    def fold(self, recipe: Recipe, number: int) -> Fold:
        """Return a fold, prepared as the recipe says; computed once."""
        key = (number, recipe.data.prepare, recipe.data.components, recipe.task.name)
        if key not in self._folds:
            examples = self.plan.examples
            splits = self.splits[number]
            preparation = Preparation.fit(examples, splits.train, recipe=recipe.data)
            task = build_task(recipe, examples, train=splits.train)
            tensors = {
                "inputs": torch.from_numpy(preparation.inputs(examples.inputs)),
                "targets": torch.from_numpy(task.prepare_targets(examples.targets)),
            }
            self._folds[key] = Fold(tensors, splits, preparation, task.targets, task.outputs)
        return self._folds[key]

    def parts(self, recipe: Recipe, number: int) -> Parts:
        """Return data and task of a configuration on a fold, without its network; the last few are kept."""
        key = (number, recipe.data, recipe.task.name, recipe.train.batch_size, recipe.seed)
        if key not in self._parts:
            while len(self._parts) >= max(_KEPT, self.count):
                del self._parts[next(iter(self._parts))]
            plan = dataclasses.replace(self.plan, recipe=recipe, splits=self.splits[number])
            self._parts[key] = build_parts(plan, nn.Identity())
        return self._parts[key]

    def task(self, recipe: Recipe, targets: TargetFacts) -> Task:
        """Return the task of a configuration: facts about the targets are shared, settings are its own."""
        return TASKS[recipe.task.name].build(recipe.task, targets)

    def network(self, recipe: Recipe, number: int) -> nn.Module:
        """Build the network of a configuration for a fold."""
        facts = self.parts(recipe, number).facts
        return self.build(recipe, self.parts(recipe, number).data.input_facts, facts.outputs)


def make_folds(plan: Plan, *, folds: int = 1, build: NetworkBuilder = build_network) -> Folds:
    """Divide the examples outside the test split into folds.

    All folds have the same number of training examples, so that they can train in one program: a few are left out of
    the larger ones. Class proportions are kept, and a group of examples is never divided.

    Args:
        plan: recipe, examples and splits.
        folds: 1 uses the plan's own validation split; k divides training and validation examples by k.
        build: builds the network of a recipe.
    Raises:
        UsageError: if there are no validation examples, or the networks do not start from random weights.
        DataError: if there are fewer examples or groups than folds.
    """
    if plan.recipe.transfer != TransferRecipe():
        raise UsageError("A search trains networks from scratch, got settings of [transfer]. Remove them.")
    empty = np.empty(0, dtype=np.int64)
    if folds == 1:
        if not len(plan.splits.validation):
            raise UsageError("A search needs a validation split to choose by, got data.validation = 0. Raise it.")
        return Folds(plan, (dataclasses.replace(plan.splits, test=empty),), build)
    if folds < 1:
        raise UsageError(f"--folds must be at least 1, got {folds}.")
    seen = np.sort(np.concatenate([plan.splits.train, plan.splits.validation]))
    pairs = divide(plan, seen, folds=folds)
    fewest = min(len(train) for train, _ in pairs)
    generator = np.random.default_rng(derive(plan.recipe.seed, "folds", epoch=folds))
    kept = [np.sort(generator.permutation(train)[:fewest]) for train, _ in pairs]
    splits = tuple(Splits(rows, held_out, empty) for rows, (_, held_out) in zip(kept, pairs, strict=True))
    return Folds(plan, splits, build)


def divide(plan: Plan, seen: np.ndarray, *, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide examples into k parts and return, for each, the numbers of the others and of its own.

    Class proportions are kept, and a group of examples is never divided.

    Args:
        plan: the examples and the settings of the division.
        seen: numbers of the examples.
        folds: k.
    Raises:
        DataError: if there are fewer examples or groups than folds.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    examples = plan.examples
    classes = examples.class_numbers if plan.recipe.data.stratify else None
    random = derive(plan.recipe.seed, "folds") % 2**32
    groups = None if examples.groups is None else examples.groups[seen]
    kinds = len(np.unique(groups)) if groups is not None else len(seen)
    if kinds < folds:
        raise DataError(f"--folds must be at most the number of examples (or groups), {kinds}, got {folds}.")
    if groups is not None:
        cut = GroupKFold(folds).split(seen, groups=groups)
    elif classes is not None and np.bincount(classes[seen])[np.unique(classes[seen])].min() >= folds:
        cut = StratifiedKFold(folds, shuffle=True, random_state=random).split(seen, classes[seen])
    else:
        cut = KFold(folds, shuffle=True, random_state=random).split(seen)
    return [(seen[train], seen[held_out]) for train, held_out in cut]
