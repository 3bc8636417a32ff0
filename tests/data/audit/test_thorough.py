"""The whole audit [B10]."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from trainwell.core.finding import Severity
from trainwell.data.audit import examine
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.splits import Splits, split
from trainwell.recipe.sections import DataRecipe


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data_raise_no_alarm(name: str) -> None:
    examples = BUNDLED[name]()
    found = examine(examples, split(examples, DataRecipe(), seed=0), labels=name in ("iris", "wine"))
    assert all(finding.severity == Severity.INFO for finding in found.findings), found.findings


def test_copies_are_told_by_where_they_lie() -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (120, 24, 24, 1), dtype=np.uint8)
    images[60], images[61] = images[0], images[1][:, ::-1]  # from training to validation, one mirrored
    images[5] = images[4]
    targets = np.arange(120) % 2
    targets[5] = targets[4]
    examples = from_arrays(images, targets)
    found = examine(examples, Splits(*np.split(np.arange(120), [60, 90])), labels=False)
    assert [pair[:2] for pair in found.duplicates] == [(0, 60), (1, 61), (4, 5)]
    by_rule = {finding.rule: finding for finding in found.findings}
    assert by_rule["duplicates_across_splits"].evidence["pairs"] == 2
    assert by_rule["duplicates"].where == ("row 4 = row 5",)
    assert "conflicting_duplicates" not in by_rule
    torn = dataclasses.replace(examples, targets=np.where(np.arange(120) == 60, 1 - targets, targets))
    rules = {
        finding.rule for finding in examine(torn, Splits(*np.split(np.arange(120), [60, 90])), labels=False).findings
    }
    assert "conflicting_duplicates" in rules


def test_json_has_the_promised_shape() -> None:
    pytest.importorskip("cleanlab")
    iris = BUNDLED["iris"]()
    data = json.loads(json.dumps(examine(iris, split(iris, DataRecipe(), seed=0)).to_json()))
    assert data["duplicates"] == [[101, 142]]
    assert all(set(row) == {"index", "given", "suggested", "confidence"} for row in data["suspicious_labels"])
    assert data["sizes"]["train"] == sum(counts[0] for counts in data["class_counts"].values())
