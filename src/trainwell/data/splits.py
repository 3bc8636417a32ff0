"""Training, validation and test split: disjoint, complete, a function of the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError
from trainwell.core.seeds import derive
from trainwell.data.examples import TEST, TRAIN, VALIDATION, Examples
from trainwell.data.values.missing import Array
from trainwell.recipe.sections import DataRecipe

Indices = NDArray[np.int64]

# Enough for model selection: the standard error of an accuracy is then at most half a percentage point; more examples
# are better used for training and would slow down every evaluation.
MOST_VALIDATION = 10_000


@dataclass(frozen=True)
class Splits:
    """Sorted indices of the examples of each split.

    Args:
        train: the network is trained on it; all statistics are fitted on it alone.
        validation: used to choose the best epoch and the hyperparameters.
        test: held out until the end, used once.
    """

    train: Indices
    validation: Indices
    test: Indices

    @property
    def sizes(self) -> dict[str, int]:
        """Number of examples by name of the split."""
        return {"train": len(self.train), "validation": len(self.validation), "test": len(self.test)}


def split(examples: Examples, recipe: DataRecipe, *, seed: int) -> Splits:
    """Draw validation and test, unless they came with the data.

    A split that came with the data is kept as it is; any other is drawn from the training examples: the test split
    first, so that changing the validation fraction never changes it. Fractions are of the examples that may be drawn.
    Drawn splits keep the class proportions to within one example per class (not with groups), and never take the last
    example of a class or a part of a group.

    Args:
        examples: all examples.
        recipe: `validation`, `test` and `stratify` are read.
        seed: seed of the run.
    Raises:
        DataError: if a split would be empty, or fewer than 2 examples would be left to train on.
    """
    if recipe.validation + recipe.test >= 1:
        raise DataError(
            "data.validation and data.test must leave examples to train on, "
            f"got {recipe.validation:g} + {recipe.test:g} of all. Lower them."
        )
    given = np.zeros(len(examples), dtype=np.int8) if examples.given is None else examples.given
    generator = np.random.default_rng(derive(seed, "split"))
    train = np.flatnonzero(given == TRAIN)
    drawable = len(train)
    sizes = {VALIDATION: min(round(recipe.validation * drawable), MOST_VALIDATION), TEST: round(recipe.test * drawable)}
    fractions = {VALIDATION: recipe.validation, TEST: recipe.test}
    parts = {}
    for part, name in ((TEST, "test"), (VALIDATION, "validation")):
        parts[part] = np.flatnonzero(given == part)
        if len(parts[part]) or not fractions[part]:
            continue
        # Groups left for the other splits.
        kept = 2 if part == TEST and fractions[VALIDATION] and VALIDATION not in given else 1
        size = max(sizes[part], 1)
        parts[part] = _draw(train, size, examples=examples, recipe=recipe, generator=generator, kept=kept)
        train = np.setdiff1d(train, parts[part], assume_unique=True)
        if not len(parts[part]) or len(train) < 2:
            raise DataError(
                f"{examples.name} has too few examples to draw a {name} split from: {drawable:,}"
                f"{' in too few groups' if examples.groups is not None else ''}. "
                f"Give more examples, or set data.{name} to 0."
            )
    return Splits(train, parts[VALIDATION], parts[TEST])


def _draw(
    pool: Indices, size: int, *, examples: Examples, recipe: DataRecipe, generator: np.random.Generator, kept: int
) -> Indices:
    classes = examples.class_numbers
    if examples.groups is not None:
        chosen = _draw_groups(examples.groups[pool], size, generator=generator, kept=kept)
    elif recipe.stratify and classes is not None:
        chosen = _draw_evenly(classes[pool], size, generator=generator)
    else:
        chosen = generator.permutation(len(pool))[: max(min(size, len(pool) - 2), 0)]
    return np.sort(pool[chosen])


def _draw_evenly(classes: Array, size: int, *, generator: np.random.Generator) -> Indices:
    """Choose positions so that each class gives its fraction, rounded by largest remainder, ties at random."""
    _, classes, counts = np.unique(classes, return_inverse=True, return_counts=True)
    share = counts * min(size, len(classes)) / len(classes)
    take = np.minimum(np.floor(share).astype(np.int64), counts - 1)
    order = generator.permutation(len(counts))
    order = order[np.argsort(-(share - np.floor(share))[order], kind="stable")]
    order = order[(take < counts - 1)[order] & (take == np.floor(share))[order]]
    take[order[: max(size - int(take.sum()), 0)]] += 1
    shuffled = generator.permutation(len(classes))
    by_class = shuffled[np.argsort(classes[shuffled], kind="stable")]
    rank = np.arange(len(classes)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen: Indices = by_class[rank < np.repeat(take, counts)]
    return chosen


def _draw_groups(groups: Array, size: int, *, generator: np.random.Generator, kept: int) -> Indices:
    """Choose whole groups in random order, as many as come nearest to the size, at least one, and leave some."""
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = generator.permutation(len(counts))
    reached = np.cumsum(counts[order])
    nearest = int(np.abs(reached - size).argmin()) + 1
    chosen: Indices = np.flatnonzero(np.isin(groups, order[: max(min(nearest, len(counts) - kept), 0)]))
    return chosen
