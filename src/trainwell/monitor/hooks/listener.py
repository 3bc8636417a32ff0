"""What hooks report, and to whom."""

from __future__ import annotations

from types import FrameType
from typing import Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from trainwell.monitor.hooks.counters import Listening, LossMeter, PassCounter


class Listener(Protocol):
    """Receives what hooks report; an exception it raises is kept from the user's code.

    Attributes:
        passes: counts the backward passes; the hooks increase it.
        losses: adds up the losses; the hooks add the finite ones that lie on the processor.
        listening: says whether every backward pass is reported, or only one with a non-finite loss.
    """

    passes: PassCounter
    losses: LossMeter
    listening: Listening

    @property
    def is_sampling(self) -> bool:
        """Whether the next step is sampled."""

    def before_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """A module is called."""

    def after_forward(self, module: nn.Module, inputs: tuple[Any, ...], *, options: Any, output: object) -> None:
        """A module has returned."""

    def before_backward(self, loss: object) -> None:
        """A backward pass begins."""

    def loss_not_finite(self, loss: Tensor) -> None:
        """A backward pass of a NaN or infinite loss begins."""

    def after_backward(self) -> None:
        """A backward pass has ended."""

    def before_step(self, optimizer: Optimizer, arguments: tuple[Any, ...], *, options: dict[str, Any]) -> None:
        """An optimizer is about to step, with these arguments (itself the first) and options."""

    def optimizer_made(self, optimizer: Optimizer) -> None:
        """An optimizer was constructed."""

    def gradients_off(self, frame: FrameType) -> None:
        """A line of the user has switched gradients off."""

    def evaluation_loss(self, name: str, inputs: tuple[Any, ...], *, options: Any, result: object) -> None:
        """A loss of `torch.nn.functional` was computed without gradients."""

    def scheduler_stepped(self, scheduler: LRScheduler) -> None:
        """A learning rate schedule has stepped."""

    def weights_loaded(self, module: nn.Module) -> None:
        """A module has loaded weights."""

    def compiled(self, thing: object) -> None:
        """Something was compiled."""

    def thread_changed(self) -> None:
        """From now on the current thread is observed, and no other."""

    def failed(self, problem: Exception) -> None:
        """A report raised an exception."""
