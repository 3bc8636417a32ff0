"""Folds, and the test split that is left out."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.errors import DataError, UsageError
from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.recipe import edit


def test_folds_cover_what_may_be_seen_once_and_never_the_test_split() -> None:
    planned = plan(gather("digits", {}))
    data = make_folds(planned, folds=5)
    held_out = np.concatenate([splits.validation for splits in data.splits])
    seen = np.concatenate([planned.splits.train, planned.splits.validation])
    assert sorted(held_out) == sorted(seen)
    test = set(planned.splits.test.tolist())
    for splits in data.splits:
        assert not set(splits.train) & set(splits.validation)
        assert not (set(splits.train) | set(splits.validation)) & test and not len(splits.test)
    assert len({len(splits.train) for splits in data.splits}) == 1


def test_folds_keep_the_classes_and_are_a_function_of_the_seed() -> None:
    planned = plan(gather("iris", {}))
    first, again = make_folds(planned, folds=3), make_folds(planned, folds=3)
    targets = planned.examples.targets
    for one, two in zip(first.splits, again.splits, strict=True):
        assert np.array_equal(one.train, two.train) and np.array_equal(one.validation, two.validation)
        counts = np.bincount(targets[one.validation])
        assert counts.max() - counts.min() <= 1


def test_each_fold_is_prepared_with_its_own_training_examples() -> None:
    data = make_folds(plan(gather("diabetes", {})), folds=4)
    recipe = data.plan.recipe
    for number, splits in enumerate(data.splits):
        fold = data.fold(recipe, number)
        means = fold.tensors["inputs"][splits.train].mean(dim=0).abs()
        assert means.max() < 1e-5
        assert abs(fold.tensors["targets"][splits.train].mean().item()) < 1e-5
    smoothed = edit(recipe, {"optim.learning_rate": 0.1, "task.label_smoothing": 0.1})
    assert data.fold(recipe, 0) is data.fold(smoothed, 0)
    assert data.parts(recipe, 0) is data.parts(smoothed, 0)
    assert data.fold(edit(recipe, {"data.prepare": "none"}), 0) is not data.fold(recipe, 0)


def test_groups_never_straddle_folds(tmp_path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{i % 7},{i * 0.1},{'ab'[i % 2]}" for i in range(70)]
    path.write_text("who,x,y\n" + "\n".join(rows) + "\n")
    data = make_folds(plan(gather(str(path), {"data.group": "who"})), folds=3)
    groups = data.plan.examples.groups
    assert groups is not None
    for splits in data.splits:
        assert not set(groups[splits.train]) & set(groups[splits.validation])


def test_impossible_folds_are_refused() -> None:
    planned = plan(gather("iris", {}))
    with pytest.raises(DataError, match="at most the number of examples"):
        make_folds(planned, folds=1000)
    with pytest.raises(UsageError, match="at least 1"):
        make_folds(planned, folds=0)
    with pytest.raises(UsageError, match="validation split to choose by"):
        make_folds(plan(gather("iris", {"data.validation": 0.0})))
