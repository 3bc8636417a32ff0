"""Planted wrong labels are found by confident learning [B10]."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from trainwell.core.errors import MissingExtraError, UsageError
from trainwell.data.audit.labels import Judgement, suspicious_labels
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.sources import BUNDLED, from_arrays
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table


def spoil(examples: Examples, count: int) -> tuple[Examples, np.ndarray]:
    rows = np.random.default_rng(0).permutation(len(examples))[:count]
    targets = examples.targets.copy()
    targets[rows] = (targets[rows] + 1) % len(examples.labels)
    return dataclasses.replace(examples, targets=targets), rows


def texts() -> Examples:
    random = np.random.default_rng(0)
    kinds = np.arange(300) % 2
    words = [[f"{kind}{i}" for i in range(30)] for kind in ("good", "bad")]
    said = np.array([" ".join(random.choice(words[kind], 8)) for kind in kinds], dtype=object)
    return Examples(
        "t", KINDS["table"], Table({"said": said}), kinds, "classes", numbered("row", 300), ("a", "b"), ("said",)
    )


def images() -> Examples:
    digits = BUNDLED["digits"]()
    return from_arrays(np.repeat(np.repeat(digits.inputs[:800], 2, 1), 2, 2), digits.targets[:800])


MADE = {"table": BUNDLED["wine"], "text": texts, "images": images}


@pytest.mark.parametrize("kind", MADE)
def test_planted_wrong_labels_are_found(kind: str) -> None:
    pytest.importorskip("cleanlab")
    examples, wrong = spoil(MADE[kind](), 12)
    found, agreement, contradicted = suspicious_labels(examples)
    assert 0.7 < agreement < 1
    assert contradicted <= 2 * 12 / len(examples)
    hits = set(wrong.tolist()) & {suspect.index for suspect in found}
    assert len(hits) >= 7  # confident learning prunes by the estimated rate, so it may stop early
    assert len(found) <= 22
    for suspect in found[:5]:
        assert suspect.given == examples.labels[examples.targets[suspect.index]] != suspect.suggested
        assert 0.3 < suspect.confidence <= 1


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_noise_is_told_from_a_hard_task(noise: float) -> None:
    """Two classes that overlap, so that a fifth of the labels contradicts the best judge, and labels that are wrong."""
    pytest.importorskip("cleanlab")
    random = np.random.default_rng(0)
    inputs = random.normal(size=(2000, 2))
    targets = (inputs[:, 0] + 0.5 * random.normal(size=2000) > 0).astype(int)
    wrong = random.random(2000) < noise
    found = suspicious_labels(from_arrays(inputs, np.where(wrong, 1 - targets, targets)))
    assert found.agreement < 0.9
    assert abs(found.contradicted - noise) < 0.03


def test_what_has_no_classes_or_too_few_examples_has_no_suspects() -> None:
    assert suspicious_labels(BUNDLED["diabetes"]()) == Judgement([], 0.0, 0.0)
    few = from_arrays(np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 2)
    assert suspicious_labels(few) == Judgement([], 0.0, 0.0)


def test_without_the_extra_it_says_so(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(MissingExtraError, match=r"trainwell\[labels\]"):
        suspicious_labels(BUNDLED["iris"]())


def test_a_network_judges_images_only() -> None:
    with pytest.raises(UsageError, match=r"--label-model must be 'fast' for iris.*16 pixels"):
        suspicious_labels(BUNDLED["iris"](), judge="network")
