"""The page of an audit."""

from __future__ import annotations

import numpy as np

from trainwell.data import examine, from_arrays, read, split
from trainwell.recipe.sections import DataRecipe
from trainwell.report.html.audit import render_audit, write_audit


def images():
    random = np.random.default_rng(0)
    shown = random.integers(0, 256, (80, 20, 20, 3), dtype=np.uint8)
    shown[70] = shown[2][:, ::-1]
    return from_arrays(shown, ["<b>cat</b>", "dog"] * 40)


def test_images_concerned_are_on_the_page_and_names_are_escaped(tmp_path) -> None:
    examples = images()
    found = examine(examples, split(examples, DataRecipe(), seed=0), labels=False)
    page = write_audit(found, examples, path=tmp_path / "a.html").read_text()
    assert page.count("data:image/png") == 1
    assert "<b>cat</b>" not in page.replace("<b>&lt;b&gt;cat&lt;/b&gt; | ", "") and "&lt;b&gt;cat" in page
    assert "http" not in page.replace("http-equiv", "")


def test_rows_concerned_are_on_the_page() -> None:
    examples = read(DataRecipe(source="iris"))
    found = examine(examples, split(examples, DataRecipe(), seed=0), labels=False)
    page = render_audit(found, examples)
    assert "row 101" in page and "row 142" in page and "petal length" in page
