from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.core.errors import DataError
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.splits import MOST_VALIDATION, Splits, split
from trainwell.data.values.naming import numbered
from trainwell.recipe.sections import DataRecipe

quick = settings(deadline=None, max_examples=60, derandomize=True, database=None)


def make(classes: np.ndarray, **more: np.ndarray) -> Examples:
    targets = classes.astype(np.int64)
    labels = tuple(map(str, range(int(targets.max()) + 1)))
    inputs = np.zeros((len(targets), 1), np.float32)
    return Examples(
        "toy", KINDS["array"], inputs, targets, "classes", numbered("row", len(targets)), labels, (), **more
    )


def check_law(examples: Examples, splits: Splits) -> None:
    """Disjoint, complete, sorted."""
    everything = np.concatenate([splits.train, splits.validation, splits.test])
    assert sorted(everything.tolist()) == list(range(len(examples)))
    for part in (splits.train, splits.validation, splits.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@quick
@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=8).filter(lambda counts: sum(counts) >= 30 + len(counts)),
    validation=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
    seed=st.integers(0, 2**63 - 1),
)
def test_stratified_splits_keep_every_class_within_one(
    counts: list[int], validation: float, test: float, seed: int
) -> None:
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    examples, recipe = make(classes), DataRecipe(validation=validation, test=test)
    splits = split(examples, recipe, seed=seed)
    check_law(examples, splits)
    pool = np.arange(len(classes))
    for drawn in (splits.test, splits.validation):
        share = np.bincount(classes[pool], minlength=len(counts)) * len(drawn) / len(pool)
        taken = np.bincount(classes[drawn], minlength=len(counts))
        assert (np.abs(taken - share) <= 1 + 1e-9).all()
        pool = np.setdiff1d(pool, drawn)
    assert (np.bincount(classes[splits.train], minlength=len(counts)) >= 1).all()
    repeated = split(examples, recipe, seed=seed)
    assert all(np.array_equal(getattr(splits, part), getattr(repeated, part)) for part in splits.sizes)


@quick
@given(
    groups=st.lists(st.integers(0, 12), min_size=20, max_size=80).filter(lambda groups: len(set(groups)) >= 6),
    seed=st.integers(0, 1000),
)
def test_groups_never_straddle(groups: list[int], seed: int) -> None:
    examples = make(np.arange(len(groups)) % 2, groups=np.array(groups))
    splits = split(examples, DataRecipe(), seed=seed)
    check_law(examples, splits)
    parts = [{groups[i] for i in part} for part in (splits.train, splits.validation, splits.test)]
    assert all(parts)
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


@quick
@given(size=st.integers(10, 200), stratify=st.booleans(), seed=st.integers(0, 1000))
def test_sizes_are_exact(size: int, stratify: bool, seed: int) -> None:
    examples = make(np.arange(size) % 2)
    splits = split(examples, DataRecipe(stratify=stratify), seed=seed)
    check_law(examples, splits)
    assert len(splits.test) == len(splits.validation) == max(1, round(0.15 * size))


def test_seeds_differ_and_the_test_split_does_not_move_with_the_validation_fraction() -> None:
    examples = make(np.arange(200) % 4)
    first, second = split(examples, DataRecipe(), seed=0), split(examples, DataRecipe(), seed=1)
    assert not np.array_equal(first.test, second.test)
    assert np.array_equal(first.test, split(examples, DataRecipe(validation=0.4), seed=0).test)


def test_given_splits_are_kept_and_what_is_missing_is_drawn_from_train() -> None:
    given_splits = np.repeat([0, 2], [80, 20]).astype(np.int8)
    splits = split(make(np.arange(100) % 2, given=given_splits), DataRecipe(), seed=0)
    assert splits.test.tolist() == list(range(80, 100))
    assert len(splits.validation) == 12 and splits.validation.max() < 80
    given_splits = np.repeat([0, 1, 2], [60, 20, 20]).astype(np.int8)
    splits = split(make(np.arange(100) % 2, given=given_splits), DataRecipe(), seed=0)
    assert splits.sizes == {"train": 60, "validation": 20, "test": 20}


def test_no_more_validation_is_drawn_than_needed() -> None:
    splits = split(make(np.arange(100_000) % 10), DataRecipe(), seed=0)
    assert splits.sizes == {"train": 75_000, "validation": MOST_VALIDATION, "test": 15_000}


def test_zero_fractions_draw_nothing() -> None:
    assert split(make(np.arange(10) % 2), DataRecipe(validation=0, test=0), seed=0).sizes["train"] == 10


def test_a_lonely_class_stays_in_train() -> None:
    classes = np.array([0] * 20 + [1] * 20 + [2])
    for seed in range(20):
        assert 40 in split(make(classes), DataRecipe(validation=0.4, test=0.4), seed=seed).train


@pytest.mark.parametrize(
    ("examples", "recipe", "sentence"),
    [
        (make(np.array([0, 1])), DataRecipe(), "too few examples to draw a test split from: 2"),
        (make(np.array([0, 1])), DataRecipe(test=0, stratify=False), "too few examples to draw a validation split"),
        (make(np.arange(40)), DataRecipe(), "too few examples"),
        (make(np.arange(40) % 2, groups=np.arange(40) % 2), DataRecipe(), "in too few groups"),
        (make(np.arange(40) % 2, groups=np.zeros(40, int)), DataRecipe(validation=0), "in too few groups"),
        (
            make(np.arange(40) % 2),
            DataRecipe(validation=0.5, test=0.5),
            "must leave examples to train on, got 0.5 + 0.5",
        ),
    ],
)
def test_too_few_examples(examples: Examples, recipe: DataRecipe, sentence: str) -> None:
    with pytest.raises(DataError) as error:
        split(examples, recipe, seed=0)
    assert sentence in str(error.value)


@pytest.mark.parametrize(("groups", "validation"), [(3, 0.15), (2, 0.0)])
def test_a_group_for_each_split_is_enough(groups: int, validation: float) -> None:
    examples = make(np.arange(60) % 2, groups=np.arange(60) % groups)
    sizes = split(examples, DataRecipe(validation=validation), seed=0).sizes
    assert sorted(size for size in sizes.values() if size) == [60 // groups] * groups
