"""Guard, clip, step, average."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.core.errors import DivergedError
from trainwell.optim import LBFGS
from trainwell.tasks import Regress
from trainwell.train import Again, Update, clip_norm, clip_value


def net_with_gradient(value: float) -> nn.Linear:
    net = nn.Linear(3, 2)
    for parameter in net.parameters():
        parameter.grad = torch.full_like(parameter, value)
    return net


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_gradient_that_is_not_finite_never_reaches_the_weights(bad, fused) -> None:
    net = net_with_gradient(1.0)
    net.weight.grad[0, 1] = bad
    before = net.weight.clone()
    update = Update(net, torch.optim.SGD(net.parameters(), lr=0.1, fused=fused))
    with pytest.raises(DivergedError, match="the weights are those before"):
        update(0, torch.tensor(1.0))
    assert torch.equal(net.weight, before)


def test_a_loss_that_is_not_finite_stops_too() -> None:
    net = net_with_gradient(1.0)
    with pytest.raises(DivergedError, match=r"The loss \(inf\) is not finite"):
        Update(net, torch.optim.SGD(net.parameters(), lr=0.1))(0, torch.tensor(math.inf))


def test_the_deferred_guard_of_accelerators_skips_the_step_without_asking_the_host() -> None:
    net = net_with_gradient(math.nan)
    update = Update(net, torch.optim.AdamW(net.parameters(), lr=0.1, fused=True))
    update.guard.is_deferred = (
        True  # what is chosen on an accelerator; the fused kernel of the processor takes the flag too
    )
    before = net.weight.clone()
    update(0, torch.tensor(1.0))
    assert torch.equal(net.weight, before)
    with pytest.raises(DivergedError):
        update.guard.raise_if_bad()


def test_the_guard_leaves_every_bit_of_a_finite_gradient() -> None:
    net = net_with_gradient(0.1)
    plain = copy.deepcopy(net)
    plain.weight.grad = net.weight.grad.clone()
    torch.optim.SGD(plain.parameters(), lr=0.1).step()
    Update(net, torch.optim.SGD(net.parameters(), lr=0.1))(0, torch.tensor(1.0))
    assert torch.equal(net.weight, plain.weight)


def test_clipping_bounds_the_norm_of_the_whole_gradient() -> None:
    net = net_with_gradient(100.0)
    Update(net, torch.optim.SGD(net.parameters(), lr=0.0), transforms=[clip_norm(2.0)])(0, torch.tensor(1.0))
    norm = torch.cat([p.grad.flatten() for p in net.parameters()]).norm()
    assert norm.item() == pytest.approx(2.0, rel=1e-4)


def test_each_number_of_the_gradient_is_clipped() -> None:
    net = net_with_gradient(-7.0)
    Update(net, torch.optim.SGD(net.parameters(), lr=0.0), transforms=[clip_value(0.5)])(0, torch.tensor(1.0))
    assert (net.weight.grad == -0.5).all()


def test_the_constraint_comes_after_the_step() -> None:
    net = net_with_gradient(1.0)
    seen = []
    before = net.weight.clone()
    update = Update(
        net,
        torch.optim.SGD(net.parameters(), lr=0.1),
        afterwards=[lambda step: seen.append(net.weight.detach().clone())],
    )
    update(0, torch.tensor(1.0))
    assert torch.allclose(seen[0], before - 0.1)


class Dropped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(6, 1)

    def forward(self, x):
        return self.head(self.drop(x))


def test_looking_again_draws_what_the_first_look_drew() -> None:
    net, task = Dropped(), Regress()
    again = Again(net, task)
    batch = again.see(Batch({"inputs": torch.randn(8, 6), "targets": torch.randn(8)}))
    first = task.loss(task.forward(net, batch), batch)
    assert torch.equal(first, again()) and torch.equal(first, again())


def test_a_step_that_ends_nowhere_did_not_happen() -> None:
    net = nn.Linear(2, 1)
    net.weight.grad, net.bias.grad = torch.ones(1, 2), torch.ones(1)
    before = net.weight.clone()
    again = Again(net, Regress())
    again.see(Batch({"inputs": torch.full((3, 2), 1e30), "targets": torch.zeros(3)}))
    with pytest.raises(DivergedError, match="the weights are those before"):
        Update(net, LBFGS(net.parameters()), again=again)(0, torch.tensor(1.0))
    assert torch.equal(net.weight, before)
