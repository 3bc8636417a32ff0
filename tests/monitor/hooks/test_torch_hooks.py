from __future__ import annotations

from typing import Any

import torch
import ward
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import StepLR

from trainwell.monitor.hooks.counters import Listening, LossMeter, PassCounter
from trainwell.monitor.hooks.torch_hooks import TorchHooks


class Ear:
    """Writes down what it hears; fails on demand."""

    def __init__(self) -> None:
        self.passes, self.losses = PassCounter(), LossMeter()
        self.listening = Listening(self.passes)
        self.heard: list[str] = []
        self.problems: list[Exception] = []
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def hear(*arguments: object, **options: object) -> None:
            self.heard.append(name)
            if self.fails:
                raise ValueError(name)

        return hear

    def failed(self, problem: Exception) -> None:
        self.problems.append(problem)


def _one_step(model: nn.Module) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = StepLR(optimizer, 1)
    F.mse_loss(model(torch.ones(2, 3)), torch.zeros(2, 1)).backward()
    optimizer.step()
    scheduler.step()
    model.load_state_dict(model.state_dict())
    with torch.no_grad():
        model.eval()


def test_everything_is_heard_in_order() -> None:
    ear, model = Ear(), nn.Linear(3, 1)
    hooks = TorchHooks(ear)
    hooks.install()
    _one_step(model)
    hooks.remove()
    assert ear.heard == [
        "optimizer_made",
        "scheduler_stepped",
        "before_forward",
        "after_forward",
        "thread_changed",
        "before_backward",
        "after_backward",
        "before_step",
        "scheduler_stepped",
        "weights_loaded",
        "gradients_off",
    ]
    assert ear.passes.count == 1
    assert ward.leftovers() == []


def test_nothing_is_raised_into_the_users_code() -> None:
    ear, model = Ear(), nn.Linear(3, 1)
    ear.fails = True
    hooks = TorchHooks(ear)
    hooks.install()
    _one_step(model)
    hooks.remove()
    assert [str(problem) for problem in ear.problems] == ear.heard


def test_little_is_heard_of_steps_that_are_not_sampled() -> None:
    ear, model = Ear(), nn.Linear(3, 1)
    hooks = TorchHooks(ear)
    hooks.install()
    hooks.hook_modules(False)
    ear.listening.end_step()
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    (loss.detach().requires_grad_() * torch.inf).backward()
    hooks.remove()
    assert ear.heard == ["thread_changed", "loss_not_finite"]
    assert (ear.passes.count, ear.losses.count) == (2, 1)
    assert ear.losses.sum == loss.item()


def test_who_wraps_what_is_wrapped_is_left_alone() -> None:
    original, ear = torch.autograd.backward, Ear()
    hooks = TorchHooks(ear)
    hooks.install()
    ours = torch.autograd.backward
    theirs = lambda *arguments, **options: ours(*arguments, **options)  # noqa: E731
    torch.autograd.backward = theirs
    hooks.remove()
    try:
        assert torch.autograd.backward is theirs
        ear.heard.clear()
        torch.ones(1, requires_grad=True).sum().backward()
        assert ear.heard == []
    finally:
        torch.autograd.backward = original


def test_our_own_code_and_torchs_switch_gradients_off_unheard() -> None:
    ear, parameter = Ear(), nn.Parameter(torch.ones(3))
    parameter.grad = torch.ones(3)
    hooks = TorchHooks(ear)
    hooks.install()
    nn.utils.clip_grad_norm_([parameter], 1.0)

    @torch.no_grad()
    def evaluate() -> None:
        pass

    evaluate()
    with torch.set_grad_enabled(True):
        pass
    with torch.inference_mode():
        pass
    hooks.remove()
    assert ear.heard.count("gradients_off") == 2
