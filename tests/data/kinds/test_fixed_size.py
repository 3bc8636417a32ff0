from __future__ import annotations

import json

import numpy as np
import pytest

from trainwell.core.errors import RecipeError
from trainwell.data import BUNDLED, KINDS, Preparation, from_arrays
from trainwell.data.kinds.array import ArrayPreparation
from trainwell.recipe.sections import DataRecipe

ROWS = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
ARRAYS = from_arrays(ROWS, np.arange(60) % 2)


def test_a_rotation_changes_shape_and_names() -> None:
    fitted = Preparation.fit(ARRAYS, np.arange(60), recipe=DataRecipe(prepare="decorrelate", components=2)).fitted
    assert isinstance(fitted, ArrayPreparation)
    assert fitted.facts.shape == (2,) and fitted.raw_shape == (4,)
    assert fitted.feature_names == ("component 1", "component 2")
    assert fitted.channel_affine is None


def test_components_need_a_rotation() -> None:
    with pytest.raises(RecipeError, match="data.components must be 0 with data.prepare = 'none', got 2"):
        Preparation.fit(ARRAYS, np.arange(60), recipe=DataRecipe(prepare="none", components=2))


def test_another_preparation_is_adopted_only_for_the_same_shape() -> None:
    four, three = (
        Preparation.fit(from_arrays(ROWS[:, :n], np.arange(60) % 2), np.arange(60), recipe=DataRecipe()).fitted
        for n in (4, 3)
    )
    assert four.adopted(four) is four and four.adopted(three) is None


def test_augmentations_are_for_what_has_height_and_width() -> None:
    grid = from_arrays(np.zeros((6, 1, 4, 4), np.float32), np.arange(6) % 2)
    fitted = Preparation.fit(grid, np.arange(6), recipe=DataRecipe(prepare="none")).fitted
    assert "flip" in fitted.augmentations and "rotate" in fitted.augmentations
    assert Preparation.fit(ARRAYS, np.arange(60), recipe=DataRecipe()).fitted.augmentations == ()


OLD = """{"kind": "image", "task": "classify", "input_shape": [1, 8, 8], "feature_names": [], "labels": ["a", "b"],
"columns": [], "mean": [0.25], "std": [0.5], "target_mean": [], "target_std": [], "remarks": ["said"],
"rotation": null, "before": []}"""


def test_a_preparation_written_by_the_first_release_is_read() -> None:
    prepared = Preparation.from_json(json.loads(OLD))
    assert prepared.kind is KINDS["image"] and prepared.remarks == ("said",)
    inputs = prepared.inputs(np.full((1, 8, 8, 1), 255, np.uint8))
    assert np.allclose(inputs, 1.5)
    of_targets = ("task", "labels", "target_mean", "target_std")  # now kept beside the preparation
    kept = {key: value for key, value in json.loads(OLD).items() if key not in of_targets}
    assert json.loads(json.dumps(prepared.to_json())) == kept


def test_a_table_written_by_the_first_release_is_read() -> None:
    columns = [
        {"name": "a", "numeric": True, "centre": 1.0, "mean": 2.0, "std": 4.0, "categories": [], "missing": False},
        {"name": "t", "numeric": False, "centre": 0.0, "mean": 0.0, "std": 1.0, "categories": ["x"], "missing": True},
    ]
    old = {
        "kind": "table",
        "task": "regress",
        "input_shape": [3],
        "feature_names": ["a", "t = x", "t missing"],
        "labels": [],
        "columns": columns,
        "mean": [],
        "std": [],
        "target_mean": [5.0],
        "target_std": [2.0],
        "remarks": [],
        "rotation": None,
        "before": [],
    }
    prepared = Preparation.from_json(old)
    iris = BUNDLED["iris"]().inputs
    table = type(iris)({"a": np.array([10.0]), "t": np.array([None], dtype=object)})
    assert prepared.inputs(table).tolist() == [[2.0, 0.0, 1.0]]
