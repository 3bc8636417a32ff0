"""A batch as an image."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.data import BUNDLED, Preparation, View
from trainwell.recipe.sections import DataRecipe
from trainwell.report.figures.batch import write_batch

Image = pytest.importorskip("PIL.Image")


def test_images_come_back_with_their_own_colours(tmp_path) -> None:
    digits = BUNDLED["digits"]()
    fitted = Preparation.fit(digits, np.arange(500), recipe=DataRecipe())
    inputs = fitted.inputs(digits.inputs[:20])
    views = fitted.fitted.view(inputs)
    np.testing.assert_array_equal([view.pixels for view in views], digits.inputs[:20])
    path = write_batch(tmp_path / "b.png", views, labels=["<7>\x1b[31m"] * 20, title="step 0")
    with Image.open(path) as opened:
        drawn = np.asarray(opened)
    assert drawn.ndim == 3 and drawn.shape[0] > 300 and len(np.unique(drawn)) > 10


def test_rotated_images_are_stretched_and_rows_are_a_map(tmp_path) -> None:
    digits = BUNDLED["digits"]()
    fitted = Preparation.fit(digits, np.arange(500), recipe=DataRecipe(prepare="mean_image"))
    pixels = np.array([view.pixels for view in fitted.fitted.view(fitted.inputs(digits.inputs[:9]))])
    assert pixels.min() == 0 and pixels.max() == 255
    iris = BUNDLED["iris"]()
    fitted = Preparation.fit(iris, np.arange(150), recipe=DataRecipe())
    path = write_batch(
        tmp_path / "i.png",
        fitted.fitted.view(fitted.inputs(iris.inputs)[:6]),
        labels=["a"] * 6,
        names=fitted.feature_names,
        title="step 0",
    )
    with Image.open(path) as drawn:
        assert drawn.size[0] > 130 + 4 * 22


def test_texts_are_written_with_their_targets(tmp_path) -> None:
    views = [View(values={"text": text}) for text in ("a cat sat\non the mat", "")]
    path = write_batch(tmp_path / "t.png", views, labels=["good", "bad"], title="step 0")
    with Image.open(path) as opened:
        drawn = np.asarray(opened)
    assert drawn.shape[0] > 80 and (drawn[30:48] < 100).any(), "the first line is written"
