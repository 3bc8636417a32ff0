"""One update of the weights: guard, clip, step, constrain, average."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.contracts.task import Task
from trainwell.core.errors import DivergedError
from trainwell.train.finite import all_finite

Parameters = Sequence[nn.Parameter]


def clip_norm(limit: float) -> Callable[[Parameters], None]:
    """Return a transform that clips the total gradient norm (Pascanu et al. 2013).

    Args:
        limit: maximum norm.
    """

    def clip(parameters: Parameters) -> None:
        torch.nn.utils.clip_grad_norm_(parameters, limit)

    return clip


def clip_value(limit: float) -> Callable[[Parameters], None]:
    """Return a transform that clips each gradient value (Graves 2013).

    Args:
        limit: maximum absolute value.
    """

    def clip(parameters: Parameters) -> None:
        torch.nn.utils.clip_grad_value_(parameters, limit)

    return clip


@final
class Again:
    """The loss of the current batch, for optimizers that evaluate it several times per step (a closure).

    Every evaluation uses the same random numbers (dropout masks), so that a line search sees one function.

    Args:
        model: the network.
        task: its task.
    """

    def __init__(self, model: nn.Module, task: Task) -> None:
        self._model = model
        self._task = task
        self._batch: Batch | None = None
        self._random = torch.empty(0)

    def see(self, batch: Batch) -> Batch:
        """Store the current batch and the state of the random generator."""
        self._batch = batch
        self._random = torch.get_rng_state()
        return batch

    def __call__(self) -> Tensor:
        """Return the loss with its graph."""
        assert self._batch is not None, "see() must be called before the step"
        torch.set_rng_state(self._random)
        return self._task.loss(self._task.forward(self._model, self._batch), self._batch)


@final
class Guard:
    """Detects non-finite gradients before they reach the weights.

    On the CPU it checks at once. On an accelerator it passes a flag to the fused optimizer, which then skips the
    step on the device, and the flag is read only when `raise_if_bad` is called: no synchronisation in a step. With an
    optimizer that does not accept the flag, every step synchronises.

    Args:
        parameters: the trained parameters.
        optimizer: their optimizer.
    """

    def __init__(self, parameters: Parameters, optimizer: Optimizer) -> None:
        self._parameters = parameters
        self._optimizer = optimizer
        device = parameters[0].device
        self._bad = torch.zeros((), device=device)
        self._one = torch.ones((), device=device)
        self._found = torch.zeros((), device=device)
        self.is_deferred = device.type != "cpu" and bool(optimizer.defaults.get("fused"))

    def __call__(self, loss: Tensor) -> None:
        """Check the loss and the gradients of a step.

        Raises:
            DivergedError: if one is not finite, unless checking is deferred.
        """
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._found.zero_()
        if gradients:
            # As in torch's GradScaler: one pass over all gradients; scaling by one changes no bit.
            torch._amp_foreach_non_finite_check_and_unscale_(gradients, self._found, self._one)
        if self.is_deferred:
            self._found.logical_or_(~torch.isfinite(loss))
            self._bad.logical_or_(self._found)
            self._optimizer.found_inf = self._found  # type: ignore[attr-defined]
        elif self._found.item() or not math.isfinite(loss.item()):
            raise self.error(loss.item())

    def raise_if_bad(self) -> None:
        """Raise the error deferred since the last call.

        Raises:
            DivergedError: if the loss or a gradient was not finite in some step.
        """
        if self.is_deferred and self._bad.item():
            problem = "The loss or a gradient was not finite (NaN or Inf) in some steps, which were skipped."
            raise DivergedError(problem, learning_rate=self._learning_rate)

    def error(self, loss: float) -> DivergedError:
        """Return the error for a step that was not made.

        Args:
            loss: the step's loss.
        """
        what = "A gradient" if math.isfinite(loss) else f"The loss ({loss})"
        return DivergedError(
            f"{what} is not finite; the weights are those before that step.", learning_rate=self._learning_rate
        )

    @property
    def _learning_rate(self) -> float:
        return float(max(group["lr"] for group in self._optimizer.param_groups))


@final
class Update:
    """Checks and transforms the gradients, calls the optimizer, applies constraints and averages.

    Args:
        model: the network.
        optimizer: its optimizer.
        transforms: change the gradients of the parameters in place, in this order: `clip_norm`, `clip_value`.
        afterwards: called with the step's number after the step, in this order: a constraint, an average.
        again: the loss of the current batch, if the optimizer evaluates it itself.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        transforms: Sequence[Callable[[Parameters], None]] = (),
        afterwards: Sequence[Callable[[int], None]] = (),
        again: Again | None = None,
    ) -> None:
        self._optimizer = optimizer
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._transforms = tuple(transforms)
        self._afterwards = tuple(afterwards)
        self._again = again
        self.guard = Guard(self._parameters, optimizer)

    def __call__(self, step: int, loss: Tensor) -> None:
        """Update the weights from the gradients in place.

        Args:
            step: number of the step, from 0.
            loss: 0-d, the step's loss.
        Raises:
            DivergedError: if the loss or a gradient is not finite; the weights are then those before the step.
        """
        self.guard(loss)
        for transform in self._transforms:
            transform(self._parameters)
        if self._again:
            self._step_by_loss(self._again)
        else:
            self._optimizer.step()
        for follow in self._afterwards:
            follow(step)

    def _step_by_loss(self, again: Again) -> None:
        """Step with an optimizer that evaluates the loss; undo the step if its result is not finite."""
        before = [parameter.detach().clone() for parameter in self._parameters]
        self._optimizer.step(again)  # type: ignore[arg-type]
        if not all_finite(self._parameters):
            with torch.no_grad():
                torch._foreach_copy_([parameter.detach() for parameter in self._parameters], before)
            raise self.guard.error(math.nan)
