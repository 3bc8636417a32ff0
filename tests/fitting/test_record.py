"""What a run leaves behind for its reader is true."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tw.fit("digits", epochs=3, runs=tmp_path_factory.mktemp("runs"))


def event(run, kind):
    return [entry.detail for entry in run.events() if entry.kind == kind][-1]


def test_the_confusion_matrix_agrees_with_the_score(run) -> None:
    matrix = np.array(event(run, "confusion")["matrix"])
    assert matrix.sum() == run.facts.sizes["test"]
    assert np.trace(matrix) / matrix.sum() == pytest.approx(run.scores["test"]["accuracy"])
    assert [row["support"] for row in event(run, "per_class")["rows"]] == matrix.sum(axis=1).tolist()


def test_mistakes_are_mistakes_worst_first_with_their_images(run) -> None:
    rows = event(run, "mistakes")["rows"]
    assert rows
    assert all(row["true"] != row["predicted"] for row in rows)
    assert [row["loss"] for row in rows] == sorted((row["loss"] for row in rows), reverse=True)
    assert all(row["image"].startswith("data:image/png;base64,") for row in rows)


def test_baselines_are_there_and_plausible(run) -> None:
    rows = {row["name"]: row["scores"] for row in event(run, "baselines")["rows"]}
    assert rows["most frequent class"]["accuracy"] < 0.15
    assert rows["logistic regression"]["accuracy"] > 0.9


def test_the_layers_add_up(run) -> None:
    network = event(run, "network")
    assert sum(layer["parameters"] for layer in network["layers"]) == network["parameters"] == run.facts.parameters


def test_duplicates_across_splits_are_found(tmp_path) -> None:
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(100, 5)), 2, axis=0).astype(np.float32)
    run = tw.fit((x, np.repeat(np.arange(100) % 2, 2)), epochs=1, runs=tmp_path)
    assert "duplicates_across_splits" in {finding.rule for finding in run.findings}
