"""Scores are exact over the split, however it is cut into batches."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.data.batches import ArrayBatches
from trainwell.tasks import Classify
from trainwell.train import evaluate


@pytest.mark.parametrize("size", [1, 7, 32, 100])
def test_the_last_small_batch_counts_as_much_as_it_holds(size) -> None:
    torch.manual_seed(0)
    data = {"inputs": torch.randn(50, 4), "targets": torch.randint(0, 3, (50,))}
    net, task = nn.Linear(4, 3), Classify(classes=3)
    scores, tally = evaluate(net, task, batches=ArrayBatches(data, batch_size=size))
    outputs = net(data["inputs"])
    assert scores["loss"] == pytest.approx(nn.functional.cross_entropy(outputs, data["targets"]).item(), rel=1e-5)
    assert scores["accuracy"] == pytest.approx((outputs.argmax(1) == data["targets"]).float().mean().item())
    assert tally.matrix.sum() == 50


def test_the_network_is_in_eval_mode_and_its_mode_comes_back() -> None:
    modes = []

    class Net(nn.Linear):
        def forward(self, x):
            modes.append((self.training, torch.is_grad_enabled()))
            return super().forward(x)

    net = Net(4, 2).train()
    evaluate(
        net,
        Classify(classes=2),
        batches=ArrayBatches({"inputs": torch.zeros(4, 4), "targets": torch.zeros(4).long()}, batch_size=4),
    )
    assert modes == [(False, False)]
    assert net.training


def test_a_module_that_was_in_eval_mode_stays_so() -> None:
    """A frozen batch norm is put into eval mode on purpose; an evaluation must not wake it."""
    net = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2).eval()).train(True)
    net[1].eval()
    data = {"inputs": torch.zeros(4, 4), "targets": torch.zeros(4).long()}
    evaluate(net, Classify(classes=2), batches=ArrayBatches(data, batch_size=4))
    assert [module.training for module in net.modules()] == [True, True, False]


def test_a_check_can_break_off_and_the_mode_comes_back() -> None:
    net = nn.Linear(4, 2).train()

    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate(
            net,
            Classify(classes=2),
            batches=ArrayBatches({"inputs": torch.zeros(4, 4), "targets": torch.zeros(4).long()}, batch_size=4),
            check=check,
        )
    assert net.training
