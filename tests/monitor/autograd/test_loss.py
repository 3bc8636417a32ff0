from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.monitor.autograd.loss import read_loss

torch.manual_seed(0)
X, Y = torch.randn(12, 4), torch.arange(12) % 3
HEAD, UNIT = nn.Linear(4, 3), nn.Linear(4, 1)
NUMBERS = torch.randn(12)
BITS = (Y > 0).float()


def _ctc(head: Callable[[Tensor], Tensor]) -> Tensor:
    answers = head(HEAD(X).view(6, 2, -1))  # (time, batch, classes)
    return F.ctc_loss(answers, torch.tensor([1, 2, 1, 2]), torch.tensor([6, 6]), torch.tensor([2, 2]))


HEALTHY: dict[str, tuple[Callable[[], Tensor], str]] = {
    "cross entropy": (lambda: F.cross_entropy(HEAD(X), Y), "classes"),
    "its weights": (lambda: F.cross_entropy(HEAD(X), Y, weight=torch.tensor([1.0, 2.0, 1.0])), "classes"),
    "label smoothing": (lambda: F.cross_entropy(HEAD(X), Y, label_smoothing=0.1), "classes"),
    "soft targets": (lambda: F.cross_entropy(HEAD(X), torch.full((12, 3), 1 / 3)), "distribution"),
    "of images": (lambda: F.cross_entropy(HEAD(X).view(2, 6, 3).transpose(1, 2), Y.view(2, 6)), "classes"),
    "log softmax": (lambda: F.nll_loss(F.log_softmax(HEAD(X), dim=-1), Y), "classes"),
    "log of softmax": (lambda: F.nll_loss(torch.log(F.softmax(HEAD(X), 1) + 1e-8), Y), "classes"),
    "twice log softmax": (lambda: F.cross_entropy(F.log_softmax(HEAD(X), 1), Y), "classes"),
    "probabilities": (lambda: F.binary_cross_entropy(torch.sigmoid(UNIT(X))[:, 0], BITS), "probabilities"),
    "logits": (lambda: F.binary_cross_entropy_with_logits(UNIT(X)[:, 0], BITS), "logits"),
    "squares": (lambda: F.mse_loss(UNIT(X).squeeze(1), NUMBERS), "numbers"),
    "squares by hand": (lambda: ((UNIT(X)[:, 0] - NUMBERS) ** 2).mean(), "difference"),
    "one for all": (lambda: ((UNIT(X) - torch.zeros(1)) ** 2).mean(), "difference"),
    "quantiles": (lambda: (NUMBERS[:, None] - HEAD(X)).abs().mean(), "difference"),
    "pairs that are meant": (lambda: (UNIT(X)[:, 0].unsqueeze(1) - NUMBERS).abs().mean(), "difference"),
    "two parts": (lambda: F.cross_entropy(HEAD(X), Y) + 0.5 * F.mse_loss(UNIT(X)[:, 0], NUMBERS), "classes"),
    "huber": (lambda: F.huber_loss(UNIT(X)[:, 0], NUMBERS), "numbers"),
    "ctc": (lambda: _ctc(lambda x: x.log_softmax(2)), "alignment"),
    "something of its own": (lambda: UNIT(X).exp().sum(), ""),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_losses_show_no_fault(name: str) -> None:
    make, kind = HEALTHY[name]
    reading = read_loss(make())
    assert reading.kind == kind
    assert not {sign: value for sign, value in reading.signals.items() if value}


SICK: dict[str, tuple[Callable[[], Tensor], str]] = {
    "softmax twice": (lambda: F.cross_entropy(F.softmax(HEAD(X), 1), Y), "softmax_before_cross_entropy"),
    "reshaped in between": (lambda: F.cross_entropy(HEAD(X).softmax(1).view(12, 3), Y), "softmax_before_cross_entropy"),
    "sigmoid twice": (
        lambda: F.binary_cross_entropy_with_logits(torch.sigmoid(UNIT(X)[:, 0]), BITS),
        "sigmoid_before_logits_loss",
    ),
    "rectified": (lambda: F.cross_entropy(F.relu(HEAD(X)), Y), "activation_before_cross_entropy"),
    "squashed": (lambda: F.cross_entropy(torch.tanh(HEAD(X)), Y), "activation_before_cross_entropy"),
    "plain logits": (lambda: F.nll_loss(HEAD(X) + 9, Y), "missing_log_softmax"),
    "softmax over the batch": (lambda: F.nll_loss(F.log_softmax(HEAD(X), 0), Y), "softmax_over_batch"),
    "the same by hand": (lambda: F.nll_loss((HEAD(X).softmax(0) + 1e-9).log(), Y), "softmax_over_batch"),
    "one class": (lambda: F.cross_entropy(UNIT(X), Y * 0), "softmax_over_one"),
    "softmax of one": (lambda: F.binary_cross_entropy(UNIT(X).softmax(1)[:, 0], BITS), "softmax_over_one"),
    "column against row": (lambda: F.mse_loss(UNIT(X), NUMBERS), "broadcast_loss"),
    "row against column": (lambda: F.mse_loss(UNIT(X)[:, 0], NUMBERS[:, None]), "broadcast_loss"),
    "absolute errors": (lambda: F.l1_loss(UNIT(X), NUMBERS), "broadcast_loss"),
    "by hand": (lambda: (NUMBERS - UNIT(X)).square().mean(), "broadcast_loss"),
    "one hot": (lambda: F.mse_loss(HEAD(X), F.one_hot(Y, 3).float()), "squared_error_on_classes"),
    "beyond a sigmoid": (lambda: F.mse_loss(torch.sigmoid(UNIT(X))[:, 0], NUMBERS), "targets_outside_output_range"),
    "targets of three classes": (
        lambda: F.binary_cross_entropy_with_logits(UNIT(X)[:, 0], Y.float()),
        "target_outside_unit_interval",
    ),
    "a sum": (lambda: F.cross_entropy(HEAD(X), Y, reduction="sum"), "summed_loss"),
    "the second part": (lambda: F.mse_loss(UNIT(X)[:, 0], NUMBERS) + F.mse_loss(UNIT(X), NUMBERS), "broadcast_loss"),
    "ctc of plain probabilities": (lambda: _ctc(lambda x: x.softmax(2)), "missing_log_softmax"),
    "ctc over time": (lambda: _ctc(lambda x: x.log_softmax(0)), "missing_log_softmax"),
    "a new tensor": (lambda: torch.tensor(1.0, requires_grad=True), "loss_without_graph"),
}


@pytest.mark.parametrize("name", SICK)
def test_faults_show_in_the_graph(name: str) -> None:
    make, sign = SICK[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signs = read_loss(make()).signals
    assert {name for name, value in signs.items() if value} == {sign}


@pytest.mark.parametrize(
    "similarities",
    [
        lambda one, other: one @ other.T / 0.2,
        lambda one, other: torch.cat([(one * other).sum(1, keepdim=True), one @ one.T], 1) / 0.1,
        lambda one, other: -torch.cdist(one, other),
        lambda one, other: F.cosine_similarity(one[:, None], other[None], dim=2) / 0.1,
    ],
)
def test_similarities_between_examples_are_no_head(similarities: Callable[[Tensor, Tensor], Tensor]) -> None:
    answers = similarities(HEAD(X), HEAD(X.flip(0)))
    assert "answers_compared" in read_loss(F.cross_entropy(answers, torch.zeros(len(X), dtype=torch.long))).signals


def test_scale_is_told_apart_from_the_loss() -> None:
    loss = F.cross_entropy(HEAD(X), Y)
    assert read_loss(loss / 4).reduction.factor == 0.25
    assert read_loss(loss * torch.tensor(1024.0)).reduction.factor == 1024.0
    assert read_loss(loss / 4).reduction.is_mean
    assert not read_loss(loss + 0.1 * HEAD.weight.square().sum()).reduction.is_mean
    assert not read_loss(F.cross_entropy(HEAD(X), Y, reduction="sum")).reduction.is_mean


@pytest.mark.parametrize(
    ("loss", "plain"),
    [
        (lambda: F.cross_entropy(HEAD(X), Y), True),
        (lambda: F.mse_loss(UNIT(X)[:, 0], NUMBERS), True),
        (lambda: F.binary_cross_entropy_with_logits(UNIT(X)[:, 0], BITS), True),
        (lambda: F.binary_cross_entropy(torch.sigmoid(UNIT(X))[:, 0], BITS), True),
        (lambda: F.cross_entropy(HEAD(X), Y, weight=torch.tensor([1.0, 2.0, 1.0])), False),
        (lambda: F.l1_loss(UNIT(X)[:, 0], NUMBERS), False),
    ],
)
def test_the_part_of_a_loss_to_which_a_penalty_is_added(loss: Callable[[], Tensor], plain: bool) -> None:
    alone = loss()
    assert read_loss(alone).reduction.data_loss is None
    reading = read_loss(alone / 2 + 3 * HEAD.weight.square().sum())
    assert reading.reduction.data_loss == (pytest.approx(alone.item(), rel=1e-5) if plain else None)
    assert reading.reduction.factor == 0.5
