from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.monitor import Session
from trainwell.monitor.evaluations.held_out import EvaluationPlace, Scores


def test_scores_are_means_over_all_batches() -> None:
    scores = Scores()
    assert scores.signals() == {}
    scores.add_loss(torch.tensor(1.0), 30)
    scores.add_loss(torch.tensor(4.0), 10)
    assert scores.signals() == {"loss/validation": 1.75}
    scores.add_right(torch.tensor(20), 30)
    scores.add_right(torch.tensor(10), 10)
    assert scores.signals()["score/validation/accuracy"] == 0.75


def test_an_evaluation_place_keeps_its_examples_and_starts_its_scores_again() -> None:
    place = EvaluationPlace()
    for _ in range(8):
        assert place.wants_inputs
        place.examples.add(torch.randn(4, 3))
    assert not place.wants_inputs
    place.count_classes(torch.tensor([0, 1]))
    place.count_classes(torch.tensor([2, 2]))
    place.scores.add_loss(torch.tensor(1.0), 4)
    place.end()
    assert place.class_counts.tolist() == [1, 1, 2]
    assert (place.scores.rows, len(place.examples.batches)) == (0, 8)


class _Training:
    """A training of a few epochs on labels that one column decides, with an evaluation after each."""

    def __init__(self, *, epochs: int = 4, same: bool = False, reduction: str = "mean") -> None:
        draw = torch.Generator().manual_seed(0)
        inputs = torch.randn(360, 8, generator=draw)
        labels = (inputs[:, 0] > 0).long()
        model = nn.Linear(8, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        for _ in range(epochs):
            order = torch.arange(32).repeat(8) if same else torch.randperm(256, generator=draw)
            for batch in order.split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
                optimizer.step()
            with torch.no_grad():
                answers = model(inputs[256:])
                nn.functional.cross_entropy(answers, labels[256:], reduction=reduction)
            self.loss = float(nn.functional.cross_entropy(answers, labels[256:]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_and_score_of_an_evaluation_are_recorded(session: Session, reduction: str) -> None:
    training = _Training(reduction=reduction)
    session.finish()
    signals = session.trainings.all[0].series.signals
    assert len(signals["loss/validation"]) == 4
    assert signals["loss/validation"].last == pytest.approx(training.loss, rel=1e-5)
    assert signals["score/validation/accuracy"].last > 0.9
    assert signals["loss/train_epoch"].first > signals["loss/train_epoch"].last
    assert signals["validation/seen_in_training_fraction"].last == 0.0
    assert signals["target/relation"].last > 3
    assert session.trainings.facts(session.trainings.all[0]).sizes == {"validation": 104}
    assert session.record.events == []


def test_layers_that_are_called_one_by_one_are_not_taken_for_other_examples(session: Session) -> None:
    inputs = torch.randn(360, 8, generator=torch.Generator().manual_seed(0))
    labels = (inputs[:, 0] > 0).long()
    layers = [nn.Linear(8, 8) for _ in range(3)]
    parameters = [parameter for layer in layers for parameter in layer.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.01)

    def answers(hidden: torch.Tensor) -> torch.Tensor:
        for layer in layers:
            hidden = 0.1 * torch.tanh(layer(hidden))
        return hidden

    for _ in range(4):
        for batch in torch.arange(256).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(answers(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            nn.functional.cross_entropy(answers(inputs[256:]), labels[256:])
    session.finish()
    signals = session.trainings.all[0].series.signals
    assert signals["validation/std_ratio"].last == pytest.approx(1.0, abs=0.2)
    assert len(signals["loss/validation"]) == 4


def test_evaluations_late_in_a_short_run_are_seen_too(session: Session) -> None:
    _Training(epochs=30)
    session.finish()
    assert session.trainings.all[0].series.signals["loss/validation"].steps[-1] > 0.75 * 30 * 8


def test_the_same_examples_in_every_step_are_told_from_others(session: Session) -> None:
    training = _Training(same=True)
    session.finish()
    same = session.trainings.all[0].series.signals["code/same_batch"]
    assert training.loss > 0 and set(same.values) == {32.0}


def test_other_examples_in_every_step(session: Session) -> None:
    _Training()
    session.finish()
    assert set(session.trainings.all[0].series.signals["code/same_batch"].values) == {0.0}
