from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.core.finding import Severity
from trainwell.monitor import Session
from trainwell.monitor.trainings.manual_updates import ManualUpdateDetector


def descend(model: nn.Module, steps: int, *, rate: float, every: int = 1) -> None:
    """Train a network to separate points, without an optimizer."""
    torch.manual_seed(0)
    for step in range(steps):
        inputs = torch.randn(32, 4)
        loss = nn.functional.cross_entropy(model(inputs), (inputs[:, 0] > 0).long()) / every
        if step % every == 0:
            model.zero_grad()
        loss.backward()
        if (step + 1) % every == 0:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= rate * parameter.grad


@pytest.mark.parametrize("every", [1, 3])
def test_updates_by_hand_are_steps_with_their_rate(session: Session, every: int) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    descend(model, 60, rate=0.25, every=every)
    (training,) = session.trainings.all
    assert training.network.model is model
    assert training.step == 60 // every
    rates = [rate for rate in training.series.signals["learning_rate"].values if rate == rate]
    assert rates == pytest.approx([0.25] * len(rates), rel=1e-3) and rates
    assert training.facts(source="").learning_rate == pytest.approx(0.25, rel=1e-3)
    assert session.finish() == [] and session.record.events == []


def test_the_loss_before_the_first_update_by_hand_is_kept(session: Session) -> None:
    model = nn.Linear(4, 2)
    torch.manual_seed(0)
    inputs = torch.randn(32, 4)
    first = nn.functional.cross_entropy(model(inputs), (inputs[:, 0] > 0).long()).item()
    descend(model, 20, rate=0.25)
    losses = session.trainings.all[0].series.signals["loss/train"]
    assert losses.steps[0] == 0 and losses.first == pytest.approx(first)


def test_a_second_network_by_hand_is_a_second_training(session: Session) -> None:
    descend(nn.Linear(4, 2), 40, rate=0.25)
    descend(nn.Linear(4, 2), 40, rate=0.5)
    first, second = session.trainings.all
    assert first.facts(source="").learning_rate == pytest.approx(0.25, rel=1e-3)
    assert second.facts(source="").learning_rate == pytest.approx(0.5, rel=1e-3)


def test_an_update_by_hand_in_the_wrong_direction_is_named(session: Session) -> None:
    descend(nn.Linear(4, 2), 40, rate=-0.25)
    assert [finding.rule for finding in session.finish()][:1] == ["negated_loss"]


def test_what_no_hand_updates_is_no_training(session: Session) -> None:
    model = nn.Linear(4, 2)
    attacked = torch.randn(8, 4)
    for _ in range(40):  # an adversarial example
        attacked = attacked.clone().requires_grad_()
        nn.functional.cross_entropy(model(attacked), torch.zeros(8, dtype=torch.long)).backward()
        assert attacked.grad is not None
        attacked = (attacked + 0.1 * attacked.grad.sign()).detach()
    image = torch.rand(4, requires_grad=True)
    model.requires_grad_(False)
    for _ in range(40):  # an image that makes a unit answer most
        model(image)[0].backward()
        assert image.grad is not None
        image.data += image.grad / image.grad.norm()
        image.grad = None
    assert session.trainings.all == [] and session.finish() == []


def test_where_an_optimizer_steps_nothing_is_looked_for_by_hand(session: Session, school: Any) -> None:
    lesson = school()
    lesson.train(4)
    with torch.no_grad():
        for parameter in lesson.model.parameters():
            parameter *= 0.9
    lesson.train(4)
    (training,) = session.trainings.all
    assert training.step == 8 and [type(one).__name__ for one in training.optimizers.alive()] == ["SGD"]


def test_a_reward_may_be_raised(session: Session) -> None:
    model, rewards = nn.Linear(4, 2), torch.tensor([1.0, -1.0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, maximize=True)
    for _ in range(20):
        chosen = torch.distributions.Categorical(logits=model(torch.randn(16, 4)))
        actions = chosen.sample()
        optimizer.zero_grad()
        (chosen.log_prob(actions) * rewards[actions]).mean().backward()
        optimizer.step()
    assert session.finish() == []


@pytest.mark.parametrize("kind", ["sparse", "bfloat16", "complex64"])
def test_updates_by_hand_of_any_kind_of_number_are_steps(session: Session, kind: str) -> None:
    weight = nn.Parameter(torch.ones(6, 2, dtype=torch.float32 if kind == "sparse" else getattr(torch, kind)))
    for _ in range(20):
        used = nn.functional.embedding(torch.tensor([1, 4]), weight, sparse=True) if kind == "sparse" else weight
        (used - 2).abs().square().mean().backward()
        assert weight.grad is not None
        with torch.no_grad():
            weight -= 0.1 * weight.grad.to_dense()
        weight.grad = None
    assert [training.step for training in session.trainings.all] == [20]
    assert session.record.events == []


def separate(model: nn.Module) -> torch.Tensor:
    """Return the loss of separating 32 points."""
    inputs = torch.randn(32, 4)
    return nn.functional.cross_entropy(model(inputs), (inputs[:, 0] > 0).long())


@pytest.mark.parametrize("kind", ["momentum", "noise"])
def test_what_is_no_multiple_of_the_gradient_tells_no_rate_and_no_direction(session: Session, kind: str) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    speeds = [torch.zeros_like(parameter) for parameter in model.parameters()]
    for _ in range(200):
        model.zero_grad()
        separate(model).backward()
        with torch.no_grad():
            for parameter, speed in zip(model.parameters(), speeds, strict=True):
                assert parameter.grad is not None
                speed.mul_(0.9 if kind == "momentum" else 0.0).add_(parameter.grad)
                parameter -= 0.02 * speed + (0.01 * torch.randn_like(speed) if kind == "noise" else 0.0)
    (training,) = session.trainings.all
    assert training.step == 200 and not any(session.trainings.all[0].series.signals["code/negated_loss"].values)
    assert [finding for finding in session.finish() if finding.severity is not Severity.INFO] == []


def test_gradients_that_are_looked_at_are_no_steps(session: Session) -> None:
    model = nn.Linear(4, 2)
    for _ in range(5):  # a look at the gradients before
        separate(model).backward()
    model.zero_grad()
    descend(model, 40, rate=0.05)
    for asked in (False, True):  # maps of what the answer hangs on, after
        for _ in range(60):
            model(torch.randn(1, 4, requires_grad=asked))[0, 0].backward()
    assert [training.step for training in session.trainings.all] == pytest.approx([40], abs=2)
    assert session.finish() == []


def test_two_networks_by_hand_that_play_against_each_other_are_left_alone(session: Session) -> None:
    judge, maker = nn.Linear(2, 1), nn.Linear(2, 2)
    score = nn.functional.binary_cross_entropy_with_logits
    for _ in range(60):
        noise = torch.randn(16, 2)
        for player, losses in (
            (judge, [(torch.randn(16, 2) + 1, 1.0), (maker(noise).detach(), 0.0)]),
            (maker, [(maker(noise), 1.0)]),
        ):
            player.zero_grad()
            sum(score(judge(x), torch.full((16, 1), y)) for x, y in losses).backward()
            for parameter in player.parameters():
                parameter.data -= 0.05 * parameter.grad
    assert session.finish() == [] and session.record.events == []


def test_an_input_that_is_changed_in_place_is_no_network(session: Session) -> None:
    model, inputs = nn.Linear(4, 2).requires_grad_(False), torch.randn(8, 4)
    change = torch.zeros_like(inputs, requires_grad=True)
    for _ in range(60):
        nn.functional.cross_entropy(model(inputs + change), torch.zeros(8, dtype=torch.long)).backward()
        assert change.grad is not None
        change.data += 5 * change.grad
        change.grad = None
    assert session.trainings.all == [] and session.finish() == []


def test_an_operation_of_the_users_own_may_call_anything_a_variable(session: Session) -> None:
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.variable = 3
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return 2 * ctx.saved_tensors[0] * gradient

    weight = nn.Parameter(torch.ones(4))
    for _ in range(20):
        Square.apply(weight).mean().backward()
        weight.data -= 0.1 * weight.grad
        weight.grad = None
    assert [training.step for training in session.trainings.all] == [20] and session.record.events == []


def test_no_weight_is_kept_alive() -> None:
    model = nn.Linear(4, 2)
    detector = ManualUpdateDetector()
    for _ in range(6):
        loss = separate(model)
        detector.before_backward(loss)
        model.zero_grad()
        loss.backward()
        detector.after_backward(closely=True)
        for parameter in model.parameters():
            parameter.data -= 0.1 * parameter.grad
    assert detector.optimizer is not None and len(detector.optimizer.param_groups[0]["params"]) == 2
    weights = [weakref.ref(parameter) for parameter in model.parameters()]
    del model, loss, parameter
    gc.collect()
    assert [weight() for weight in weights] == [None, None]
