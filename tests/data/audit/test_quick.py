from __future__ import annotations

import dataclasses
import hashlib
import time

import numpy as np
import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.data.audit.quick import audit
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.splits import Splits, split
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

RANDOM = np.random.default_rng(0)


def images(count: int = 100, side: int = 6) -> Examples:
    return from_arrays(RANDOM.integers(0, 256, (count, side, side, 1), dtype=np.uint8), np.arange(count) % 2)


def thirds(examples: Examples) -> Splits:
    return Splits(*np.array_split(np.arange(len(examples)), 3))


def only(found: list[Finding], rule: str) -> Finding:
    (finding,) = [finding for finding in found if finding.rule == rule]
    assert finding.to_json()["evidence"]
    return finding


def copy(examples: Examples, pairs: dict[int, int]) -> Examples:
    inputs = examples.inputs.copy()  # type: ignore[union-attr]
    for into, source in pairs.items():
        inputs[into] = inputs[source]
    return dataclasses.replace(examples, inputs=inputs)


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data_raise_no_alarm(name: str) -> None:
    examples = BUNDLED[name]()
    for seed in range(5):
        found = audit(examples, split(examples, DataRecipe(), seed=seed))
        assert all(finding.severity == Severity.INFO for finding in found)


@pytest.mark.parametrize("side", [6, 50])
def test_copies_across_splits_are_found_and_named(side: int) -> None:
    examples = copy(images(side=side), {50: 3, 90: 60, 91: 92, 4: 5})
    finding = only(audit(examples, thirds(examples)), "duplicates_across_splits")
    assert finding.where == ("row 50 = row 3", "row 90 = row 60")  # 91 = 92 and 4 = 5 lie within one split
    assert finding.severity == Severity.WARNING
    assert finding.evidence["duplicates"] == 2
    assert finding.evidence["duplicate_fraction_limit"] == 0.01


def test_many_copies_are_an_error_and_ten_are_named() -> None:
    examples = copy(images(), {50 + i: i for i in range(12)})
    finding = only(audit(examples, thirds(examples)), "duplicates_across_splits")
    assert finding.severity == Severity.ERROR
    assert len(finding.where) == 10


def test_large_images_that_differ_in_one_pixel_are_no_copies() -> None:
    examples = copy(images(side=80), {50: 3})
    examples.inputs[50, 0, 1, 0] ^= 1  # type: ignore[index]
    assert not audit(examples, thirds(examples))


def test_rows_of_a_table_are_copies_with_their_target_only() -> None:
    town = np.array(["a", "b", None] * 3, dtype=object)
    age = np.array([1.0, np.nan, -0.0, 1.0, np.nan, 0.0, 1.0, np.nan, 0.0])
    inputs, ids = Table({"town": town, "age": age}), numbered("line", 9)
    targets = np.array([0, 1, 0, 0, 1, 0, 1, 1, 1])
    examples = Examples("toy", KINDS["table"], inputs, targets, "classes", ids, ("n", "y"), ("town", "age"))
    finding = only(audit(examples, thirds(examples)), "duplicates_across_splits")
    assert finding.where == ("line 3 = line 0", "line 4 = line 1", "line 5 = line 2", "line 7 = line 1")
    assert finding.severity == Severity.INFO


def test_a_class_without_training_examples() -> None:
    examples = dataclasses.replace(
        images(99), targets=np.repeat([0, 1, 2], 33), target_type="classes", labels=("a", "b", "c")
    )
    finding = only(audit(examples, thirds(examples)), "class_missing_from_train")
    assert (finding.severity, finding.where) == (Severity.ERROR, ("b", "c"))


@pytest.mark.parametrize(("rare", "said"), [(4, False), (3, True)])
def test_imbalance(rare: int, said: bool) -> None:
    classes = np.zeros(43, dtype=np.int64)
    classes[:rare] = 1
    examples = dataclasses.replace(images(43), targets=classes)
    splits = Splits(np.arange(43), np.arange(0), np.arange(0))
    found = audit(examples, splits)
    assert [finding.rule for finding in found] == (["class_imbalance"] if said else [])
    if said:
        assert found[0].severity == Severity.INFO and found[0].where == ("1",)


def test_constant_features_of_tables_and_arrays() -> None:
    columns = {
        "same": np.full(9, 2.0),
        "empty": np.full(9, np.nan),
        "gaps": np.array([1.0, np.nan] * 4 + [1.0]),
        "word": np.array(["x"] * 9, dtype=object),
        "fine": np.arange(9.0),
    }
    numbers, ids = np.arange(9, dtype=np.float32), numbered("row", 9)
    table = Examples("toy", KINDS["table"], Table(columns), numbers, "numbers", ids, (), tuple(columns))
    assert only(audit(table, thirds(table)), "constant_features").where == ("same", "empty", "word")
    array = from_arrays(np.stack([np.ones(9), np.arange(9)], axis=1), numbers / 7)
    assert only(audit(array, thirds(array)), "constant_features").where == ("x0",)


def test_nothing_held_out_is_nothing_duplicated() -> None:
    examples = copy(images(), {5: 4})
    assert not audit(examples, Splits(np.arange(100), np.arange(0), np.arange(0)))


def test_looking_costs_little_more_than_hashing_every_image() -> None:
    examples = from_arrays(RANDOM.integers(0, 256, (60_000, 28, 28), dtype=np.uint8), np.arange(60_000) % 10)
    splits = split(examples, DataRecipe(), seed=0)
    looked, hashed = [], []
    for _ in range(3):
        started = time.process_time()
        assert not audit(examples, splits)
        looked.append(time.process_time() - started)
        started = time.process_time()
        assert len({hashlib.sha256(image).digest() for image in np.ascontiguousarray(examples.inputs)}) == 60_000
        hashed.append(time.process_time() - started)
    assert min(looked) < 10 * min(hashed)
