"""Single columns: leaks, outliers, mismatched splits, blanks, gaps [B10]."""

from __future__ import annotations

import numpy as np
import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.data.audit.columns import column_findings, features, numbers
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.splits import Splits, split
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

RANDOM = np.random.default_rng(0)


def findings(examples: Examples, splits: Splits | None = None) -> dict[str, Finding]:
    splits = splits or split(examples, DataRecipe(), seed=0)
    return {finding.rule: finding for finding in column_findings(examples, splits, columns=numbers(examples))}


def table(columns: dict[str, np.ndarray], targets: np.ndarray, task: str = "classes") -> Examples:
    labels = ("a", "b", "c")[: len(np.unique(targets))] if task != "numbers" else ()
    count = len(targets)
    return Examples("t", KINDS["table"], Table(columns), targets, task, numbered("row", count), labels, tuple(columns))


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data_raise_no_alarm(name: str) -> None:
    found = findings(BUNDLED[name]())
    assert all(finding.severity == Severity.INFO for finding in found.values())


@pytest.mark.parametrize("kind", ["category", "code", "number"])
def test_a_column_that_is_the_target_leaks(kind: str) -> None:
    classes = RANDOM.integers(0, 2, 400)
    leak = {
        "category": np.array(["no", "yes"], dtype=object)[classes],
        "code": classes * 7.0 + 3,
        "number": classes + RANDOM.normal(size=400) * 0.05,
    }[kind]
    finding = findings(table({"noise": RANDOM.normal(size=400), "alive": leak}, classes))["leaking_column"]
    assert finding.where == ("alive",) and finding.severity == Severity.WARNING


def test_a_number_that_is_the_regressed_target_leaks_and_a_mere_relation_does_not() -> None:
    target = RANDOM.normal(size=900).astype(np.float32)
    columns = {"net": target * 1.19, "near": target + RANDOM.normal(size=900) * 0.3}
    assert findings(table(columns, target, "numbers"))["leaking_column"].where == ("net",)
    del columns["net"]
    assert "leaking_column" not in findings(table(columns | {"x": target**2}, target, "numbers"))


@pytest.mark.parametrize(
    ("change", "severity"),
    [(lambda x: x * 255, Severity.ERROR), (lambda x: x + 1, Severity.WARNING), (lambda x: x, None)],
)
def test_splits_prepared_in_different_ways(change, severity) -> None:
    values = RANDOM.normal(size=1200)
    values[800:] = change(values[800:])
    examples = table({"a": values, "b": RANDOM.normal(size=1200)}, np.arange(1200) % 2)
    found = findings(examples, Splits(np.arange(800), np.arange(800, 1000), np.arange(1000, 1200)))
    assert (found["splits_differ"].severity if severity else None) == severity
    assert severity or "splits_differ" not in found


def test_outliers_gaps_and_blank_images_are_named() -> None:
    values = RANDOM.normal(size=300)
    values[17], values[40:60] = 1e6, np.nan
    found = findings(table({"a": values, "b": RANDOM.normal(size=300)}, np.arange(300) % 2))
    assert found["outliers"].where == ("row 17: a",)
    assert found["missing_values"].where == ("a",)
    images = RANDOM.integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    images[9] = 128
    assert findings(from_arrays(images, np.arange(50) % 2))["blank_images"].where == ("row 9",)


def test_features_are_summed_up() -> None:
    (a, town) = features(
        numbers(
            table({"a": np.array([1.0, np.nan, 3.0]), "town": np.array(["x", "y", "x"], object)}, np.array([0, 1, 0]))
        )
    )
    assert a == ("a", pytest.approx(1 / 3), 1.0, 2.0, 3.0)
    assert town.greatest == 1.0
