"""One against the rest and one against one (docs/curriculum.md, A4)."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

import trainwell as tw
from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.tasks import OneVsOne, OneVsRest


def batch(targets) -> Batch:
    return Batch({"inputs": torch.zeros(len(targets), 1), "targets": torch.as_tensor(targets)})


@given(st.integers(3, 8))
def test_as_many_classifiers_as_the_law_says(classes: int) -> None:
    task = OneVsOne(classes=classes)
    assert len(task.pairs) == classes * (classes - 1) // 2
    assert OneVsOne.for_network(None, len(task.pairs), targets=torch.zeros(1)).count == classes


def test_each_classifier_learns_as_if_it_were_alone() -> None:
    """The slope of a pair's logit comes from examples of its two classes only, as in binary classification."""
    targets, outputs = torch.tensor([0, 1, 2, 2]), torch.randn(4, 3, requires_grad=True)
    OneVsOne(classes=3).loss(outputs, batch(targets)).backward()
    for column, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        for row, target in enumerate(targets.tolist()):
            expected = (torch.sigmoid(outputs[row, column]) - float(target == i)) / 8 if target in (i, j) else 0.0
            assert outputs.grad[row, column].item() == pytest.approx(
                float(torch.as_tensor(expected).detach()), abs=1e-6
            )


def test_one_against_the_rest_is_the_mean_of_binary_losses() -> None:
    targets, outputs = torch.tensor([0, 2, 1]), torch.randn(3, 3)
    each = [F.binary_cross_entropy_with_logits(outputs[:, k], (targets == k).float()) for k in range(3)]
    assert OneVsRest(classes=3).loss(outputs, batch(targets)).item() == pytest.approx(sum(each).item() / 3, abs=1e-6)


@pytest.mark.parametrize("make", [OneVsRest, OneVsOne])
def test_chance_is_the_loss_of_the_best_constant(make) -> None:
    targets = np.array([0, 0, 0, 1, 2, 2])
    task = make(classes=3)
    width = 3
    constant = torch.zeros(width, requires_grad=True)
    adam = torch.optim.Adam([constant], lr=0.1)
    for _ in range(300):
        adam.zero_grad()
        loss = task.loss(constant.expand(6, width), batch(targets))
        loss.backward()
        adam.step()
    assert task.chance_loss(targets) == pytest.approx(loss.item(), abs=1e-4)


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=6))
def test_the_majority_wins_and_margins_only_break_ties(logits: list[float]) -> None:
    task, outputs = OneVsOne(classes=4), torch.tensor([logits], dtype=torch.float64)
    counted = [0] * 4
    for (i, j), logit in zip(task.pairs, logits, strict=True):
        counted[i if logit > 0 else j] += 1
    answer = task.predict(outputs)
    assert counted[answer.values[0]] == max(counted)
    assert answer.probabilities.sum() == pytest.approx(1)
    assert 0 <= answer.confidence[0] <= 1
    tally = task.tally()
    tally.add(outputs, batch([int(answer.values[0])]))
    assert tally.scores()["accuracy"] == 1.0


@pytest.mark.parametrize("make", [OneVsRest, OneVsOne])
def test_a_wrong_width_is_one_sentence(make) -> None:
    with pytest.raises(ShapeError, match="Give its last layer"):
        make(classes=4).loss(torch.zeros(2, 5), batch([0, 1]))


@pytest.mark.parametrize("name", ["one_vs_rest", "one_vs_one"])
def test_a_recipe_chooses_it_beside_softmax(name: str, tmp_path) -> None:
    run = tw.fit("wine", edits={"task.name": name, "train.epochs": 30}, runs=tmp_path)
    softmax = tw.fit("wine", edits={"train.epochs": 30}, runs=tmp_path)
    assert abs(run.scores["validation"]["accuracy"] - softmax.scores["validation"]["accuracy"]) <= 0.15
    assert run.scores["test"]["accuracy"] >= 0.8
    assert run.model().head.out_features == 3
    answers = tw.predict(run, "wine")
    assert set(answers.values) <= set(run.facts.labels)
    assert math.isclose(sum(answers.probabilities[0]), 1, abs_tol=1e-6)


def test_numbers_have_no_classes_to_tell_apart(tmp_path) -> None:
    with pytest.raises(tw.TrainwellError):
        tw.fit("diabetes", edits={"task.name": "one_vs_one"}, runs=tmp_path)
