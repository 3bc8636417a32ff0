from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

from trainwell.data.sources.bundled import BUNDLED
from trainwell.data.values.table import Table

LOADERS = {
    "iris": sklearn.datasets.load_iris,
    "wine": sklearn.datasets.load_wine,
    "breast-cancer": sklearn.datasets.load_breast_cancer,
}


@pytest.mark.parametrize("name", LOADERS)
def test_tables_equal_what_scikit_learn_reads(name: str) -> None:
    ours, theirs = BUNDLED[name](), LOADERS[name]()
    assert isinstance(ours.inputs, Table)
    np.testing.assert_array_equal(np.stack(list(ours.inputs.columns.values()), axis=1), theirs.data)
    np.testing.assert_array_equal(ours.targets, theirs.target)
    assert ours.features == tuple(theirs.feature_names)
    assert ours.labels == tuple(theirs.target_names)
    assert ours.name == name


def test_digits() -> None:
    ours, theirs = BUNDLED["digits"](), sklearn.datasets.load_digits()
    np.testing.assert_array_equal(np.round(ours.inputs[..., 0] * (16 / 255)), theirs.images)
    np.testing.assert_array_equal(ours.targets, theirs.target)
    assert (ours.kind.name, ours.target_type, ours.inputs.dtype, ours.inputs.max()) == (
        "image",
        "classes",
        np.uint8,
        255,
    )


def test_diabetes_is_regression() -> None:
    ours, theirs = BUNDLED["diabetes"](), sklearn.datasets.load_diabetes(scaled=False)
    assert isinstance(ours.inputs, Table)
    np.testing.assert_array_equal(np.stack(list(ours.inputs.columns.values()), axis=1), theirs.data)
    np.testing.assert_array_equal(ours.targets, theirs.target)
    assert (ours.target_type, ours.labels, ours.features) == ("numbers", (), tuple(theirs.feature_names))


def test_reading_needs_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys; from trainwell.data import read, split, Preparation; from trainwell.recipe.sections import DataRecipe;"
        "r = DataRecipe(); e = read(r); s = split(e, r, seed=0); Preparation.fit(e, s.train, recipe=r).inputs(e.inputs);"
        "assert not {'torch', 'sklearn', 'PIL', 'polars'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
