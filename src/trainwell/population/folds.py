"""What every trial of a search stands on: the same examples, divided into folds, and never the test split."""

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
from trainwell.fitting.build import Parts, build_network, build_parts, build_task
from trainwell.recipe import Recipe
from trainwell.recipe.sections import TransferRecipe
from trainwell.tasks import Task

# Makes the network of a recipe, given the facts of one example and the numbers it must return for it.
Build = Callable[[Recipe, InputFacts, int], nn.Module]


_KEPT = 4  # prepared data sets that trials one at a time go on using


@dataclass(frozen=True)
class Fold:
    """One division of the examples, prepared with what was fitted on its own training part.

    Args:
        tensors: "inputs" and "targets" of all examples.
        splits: which of them train and which choose.
        preparation: what was fitted.
        input_shape: of one prepared example.
        outputs: numbers the network returns for one example.
    """

    tensors: dict[str, Tensor]
    splits: Splits
    preparation: Preparation
    input_shape: tuple[int, ...]
    outputs: int


@dataclass(frozen=True)
class Ground:
    """The data of a search.

    Args:
        plan: recipe, examples and splits; its test split is not touched here.
        splits: the folds, or the plan's own training and validation split alone.
        build: makes the network of a recipe.
        networks: networks that many members start from, by what they are a function of; kept by `make_member`.
    """

    plan: Plan
    splits: tuple[Splits, ...]
    build: Build = build_network
    networks: dict[Hashable, tuple[nn.Module, Hashable, tuple[str, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _folds: dict[tuple[object, ...], Fold] = field(default_factory=dict, repr=False, compare=False)
    _parts: dict[tuple[object, ...], Parts] = field(default_factory=dict, repr=False, compare=False)

    @property
    def folds(self) -> int:
        """How many times each configuration is trained."""
        return len(self.splits)

    def fold(self, recipe: Recipe, number: int) -> Fold:
        """Return one fold, prepared as the recipe says; computed once."""
        key = (number, recipe.data.prepare, recipe.data.components, recipe.task.name)
        if key not in self._folds:
            examples, splits = self.plan.examples, self.splits[number]
            preparation = Preparation.fit(examples, splits.train, recipe.data)
            outputs = build_task(recipe, preparation).outputs
            tensors = {
                "inputs": torch.from_numpy(preparation.inputs(examples.inputs)),
                "targets": torch.from_numpy(preparation.targets(examples.targets)),
            }
            self._folds[key] = Fold(tensors, splits, preparation, preparation.input_shape, outputs)
        return self._folds[key]

    def parts(self, recipe: Recipe, number: int) -> Parts:
        """Return data and task for one configuration on one fold, without its network; the last few are kept."""
        key = (number, recipe.data, recipe.task.name, recipe.train.batch_size, recipe.seed)
        if key not in self._parts:
            while len(self._parts) >= max(_KEPT, self.folds):
                del self._parts[next(iter(self._parts))]
            plan = dataclasses.replace(self.plan, recipe=recipe, splits=self.splits[number])
            self._parts[key] = build_parts(plan, nn.Identity())
        return self._parts[key]

    def task(self, recipe: Recipe, preparation: Preparation) -> Task:
        """Build the task of one configuration; what was prepared is shared, settings of the loss are its own."""
        return build_task(recipe, preparation)

    def network(self, recipe: Recipe, number: int) -> nn.Module:
        """Build the network of one configuration for one fold."""
        facts = self.parts(recipe, number).facts
        return self.build(recipe, self.parts(recipe, number).input_facts, facts.outputs)


def stand(plan: Plan, *, folds: int = 1, build: Build = build_network) -> Ground:
    """Divide the examples that may be seen into folds.

    Folds have equally many training examples: the few that are over are left out of the larger ones, so that all
    can train in one program. Class proportions are kept, and groups never straddle.

    Args:
        plan: recipe, examples and splits.
        folds: 1 uses the plan's own validation split; k divides training and validation examples by k.
        build: makes the network of a recipe.
    Raises:
        UsageError: if there is nothing to choose on.
        DataError: if there are too few examples or groups for so many folds.
    """
    if plan.recipe.transfer != TransferRecipe():
        raise UsageError("A search trains networks from scratch, got settings of [transfer]. Leave them out.")
    nothing = np.empty(0, dtype=np.int64)
    if folds == 1:
        if not len(plan.splits.validation):
            raise UsageError("A search needs a validation split to choose on, got data.validation = 0. Raise it.")
        return Ground(plan, (dataclasses.replace(plan.splits, test=nothing),), build)
    if folds < 1:
        raise UsageError(f"--folds must be at least 1, got {folds}.")
    seen = np.sort(np.concatenate([plan.splits.train, plan.splits.validation]))
    pairs = divide(plan, seen, folds)
    fewest = min(len(train) for train, _ in pairs)
    generator = np.random.default_rng(derive(plan.recipe.seed, "folds", folds))
    kept = [np.sort(generator.permutation(train)[:fewest]) for train, _ in pairs]
    return Ground(plan, tuple(Splits(rows, held, nothing) for rows, (_, held) in zip(kept, pairs, strict=True)), build)


def divide(plan: Plan, seen: np.ndarray, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide examples by k: the rest and the part held out, for each fold; classes are kept, groups never straddle.

    Args:
        plan: the examples, and how they are to be divided.
        seen: numbers of the examples.
        folds: k.
    Raises:
        DataError: if there are not so many examples or groups.
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
    return [(seen[train], seen[held]) for train, held in cut]
