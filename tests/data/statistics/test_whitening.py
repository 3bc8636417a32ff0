"""Decorrelation, whitening, reduction, the mean image: laws, and who is looked at [B4, B5]."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.core.errors import DataError, RecipeError
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.prepare import Preparation
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe


def mixed(width: int, count: int = 300, seed: int = 0) -> Examples:
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, width)) @ random.normal(size=(width, width)) * 10 + 3
    return from_arrays(rows.astype(np.float32), np.arange(count) % 2)


def prepared(examples: Examples, method: str, components: int = 0, train=None) -> tuple[Preparation, np.ndarray]:
    train = np.arange(len(examples)) if train is None else train
    fitted = Preparation.fit(examples, train, recipe=DataRecipe(prepare=method, components=components))
    return fitted, fitted.inputs(examples.inputs)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000), st.sampled_from(["whiten_pca", "whiten_zca"]))
def test_whitened_covariance_is_one(width: int, seed: int, method: str) -> None:
    _, inputs = prepared(mixed(width, seed=seed), method)
    np.testing.assert_allclose(np.cov(inputs.T, bias=True), np.eye(width), atol=1e-3)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000))
def test_decorrelated_inputs_have_a_diagonal_covariance_that_falls(width: int, seed: int) -> None:
    _, inputs = prepared(mixed(width, seed=seed), "decorrelate")
    covariance = np.cov(inputs.T, bias=True)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert (np.diff(np.diag(covariance)) <= 1e-4).all()
    assert np.trace(covariance) == pytest.approx(width, rel=1e-3)  # a rotation keeps the variance


def test_components_agree_with_scikit_learn_and_say_what_they_keep() -> None:
    from sklearn.decomposition import PCA

    examples = BUNDLED["wine"]()
    fitted, inputs = prepared(examples, "decorrelate", 3)
    assert fitted.input_shape == (3,) == inputs.shape[1:] and fitted.feature_names[0] == "component 1"
    whole, _ = prepared(examples, "standardise")
    pca = PCA(3).fit(whole.inputs(examples.inputs))
    np.testing.assert_allclose(np.abs(inputs), np.abs(pca.transform(whole.inputs(examples.inputs))), atol=1e-3)
    assert f"{100 * pca.explained_variance_ratio_.sum():.1f} % of the variance" in fitted.remarks[-1]


def test_the_mean_image_and_the_channel_means() -> None:
    digits = BUNDLED["digits"]()
    _, inputs = prepared(digits, "mean_image")
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-6)
    assert inputs.shape[1:] == (1, 8, 8)
    coloured = from_arrays(np.random.default_rng(0).integers(0, 200, (40, 5, 5, 3), dtype=np.uint8), np.arange(40) % 2)
    _, inputs = prepared(coloured, "channel_mean")
    np.testing.assert_allclose(inputs.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(inputs.std(axis=(0, 2, 3)), (coloured.inputs / 255).std(axis=(0, 1, 2)), rtol=1e-4)
    np.testing.assert_array_equal(prepared(coloured, "channel_mean_std")[1], prepared(coloured, "standardise")[1])


@pytest.mark.parametrize(("method", "low", "high"), [("min_max", 0, 1), ("none", 0, 200 / 255)])
def test_images_and_numbers_between_limits(method: str, low: float, high: float) -> None:
    images = from_arrays(np.random.default_rng(0).integers(0, 201, (60, 6, 6, 1), dtype=np.uint8), np.arange(60) % 2)
    inputs = prepared(images, method)[1]
    assert inputs.min() == pytest.approx(low, abs=1e-6) and inputs.max() == pytest.approx(high, abs=1e-6)


def test_scale_and_centre_do_half_each() -> None:
    examples = mixed(3)
    centred, scaled = prepared(examples, "centre")[1], prepared(examples, "scale")[1]
    np.testing.assert_allclose(centred.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(centred.std(axis=0), examples.inputs.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-4)
    np.testing.assert_allclose(
        scaled.mean(axis=0), (examples.inputs / examples.inputs.std(axis=0)).mean(axis=0), rtol=1e-3
    )


METHODS = ["centre", "scale", "min_max", "decorrelate", "whiten_pca", "whiten_zca"]
IMAGE_METHODS = ["mean_image", "channel_mean", "channel_mean_std"]


class Spy(np.ndarray):
    """An array that remembers which rows were asked for."""

    asked: set[int]

    def __getitem__(self, key):
        if isinstance(key, np.ndarray) and key.dtype.kind == "i":
            self.asked |= set(key.tolist())
        elif isinstance(key, (slice, int)) or key is Ellipsis:
            self.asked |= set(range(len(self)))
        return np.asarray(self)[key]


@pytest.mark.parametrize("method", [*METHODS, *IMAGE_METHODS, "standardise"])
def test_no_row_but_the_training_rows_is_read_in_any_fold(method: str) -> None:
    from trainwell.fitting import gather, plan
    from trainwell.population.folds import make_folds
    from trainwell.recipe import edit

    images = np.random.default_rng(0).integers(0, 256, (120, 4, 4, 1), dtype=np.uint8)
    examples = from_arrays(images, np.arange(120) % 2)
    ground = make_folds(plan(gather("digits", {}), examples), folds=3)
    for splits in ground.splits:
        spied = images.view(Spy)
        spied.asked = set()
        recipe = edit(ground.plan.recipe, {"data.prepare": method})
        object.__setattr__(watched := dataclasses.replace(examples), "inputs", spied)
        Preparation.fit(watched, splits.train, recipe=recipe.data)
        assert spied.asked and spied.asked <= set(splits.train.tolist())


@pytest.mark.parametrize("method", METHODS)
def test_what_is_not_training_changes_nothing_and_json_loses_nothing(method: str) -> None:
    examples = mixed(5)
    train = np.arange(0, 300, 2)
    fitted, inputs = prepared(examples, method, train=train)
    poisoned = examples.inputs.copy()
    poisoned[1::2] = 1e6
    assert prepared(dataclasses.replace(examples, inputs=poisoned), method, train=train)[0] == fitted
    restored = Preparation.from_json(json.loads(json.dumps(fitted.to_json())))
    assert restored == fitted
    np.testing.assert_array_equal(restored.inputs(examples.inputs), inputs)


def table(columns: dict[str, np.ndarray]) -> Examples:
    count = len(next(iter(columns.values())))
    return Examples(
        "t",
        KINDS["table"],
        Table(columns),
        np.arange(count) % 2,
        "classes",
        numbered("row", count),
        ("a", "b"),
        tuple(columns),
    )


REFUSED = {
    "few": (mixed(20, 12), "whiten_pca", 0, "more training examples than dimensions, got 12 for 20. Reduce data.components"),
    "constant": (BUNDLED["digits"](), "whiten_zca", 0, r"constant in training: input 0.*at most 61"),
    "many": (mixed(3), "whiten_pca", 9, "data.components must be at most the number of inputs, 3, got 9"),
    "wide": (from_arrays(np.zeros((5, 70, 70, 1), np.uint8), np.arange(5) % 2), "decorrelate", 0, "at most 4,096 inputs"),
    "sums": (
        table({"a": np.arange(50.0), "b": np.arange(50.0) * 2, "c": np.sin(np.arange(50.0))}),
        "whiten_pca",
        0,
        r"1 of 3 dimensions are not \(linear combinations\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_statistics_that_cannot_be_computed_are_one_sentence(case: str) -> None:
    examples, method, components, said = REFUSED[case]
    with pytest.raises(DataError, match=said):
        prepared(examples, method, components)


def test_methods_of_images_are_for_images_and_components_for_rotations() -> None:
    with pytest.raises(RecipeError, match="for arrays, got 'mean_image'"):
        prepared(mixed(3), "mean_image")
    with pytest.raises(RecipeError, match="data.components must be 0 with data.prepare = 'standardise'"):
        prepared(mixed(3), "standardise", 2)


def test_a_whitened_run_predicts_as_it_was_trained(tmp_path) -> None:
    import trainwell as tw

    edits = {"data.prepare": "whiten_pca", "data.components": 30, "train.epochs": 2}
    run = tw.fit("digits", edits=edits, runs=tmp_path)
    digits = BUNDLED["digits"]()
    from trainwell.inference import predict

    found = predict(run, digits.inputs)
    right = np.mean(
        [value == digits.labels[target] for value, target in zip(found.values, digits.targets, strict=True)]
    )
    assert right > 0.5
