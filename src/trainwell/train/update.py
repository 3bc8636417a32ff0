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
    """Return what scales the whole gradient down to a norm (Pascanu et al. 2013).

    Args:
        limit: the largest norm.
    """

    def clip(parameters: Parameters) -> None:
        torch.nn.utils.clip_grad_norm_(parameters, limit)

    return clip


def clip_value(limit: float) -> Callable[[Parameters], None]:
    """Return what cuts each number of the gradient to a size (Graves 2013).

    Args:
        limit: the largest absolute value.
    """

    def clip(parameters: Parameters) -> None:
        torch.nn.utils.clip_grad_value_(parameters, limit)

    return clip


@final
class Again:
    """The loss of the batch under way, for optimizers that look at it again within a step.

    Every look draws what the first one drew (dropout masks), so that a line search sees one function.

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
        """Remember the batch whose step is under way, and what is drawn in it."""
        self._batch = batch
        self._random = torch.get_rng_state()
        return batch

    def __call__(self) -> Tensor:
        """Return the loss with its graph."""
        assert self._batch is not None, "a step comes after its batch"
        torch.set_rng_state(self._random)
        return self._task.loss(self._task.forward(self._model, self._batch), self._batch)


@final
class Guard:
    """Finds gradients that are not finite before they reach the weights.

    On the processor it looks at once. On an accelerator it hands a flag to the fused optimizer, which then skips the
    step on the device, and the flag is read only when `raise_if_bad` is called: no wait in a step. An optimizer that
    cannot take the flag is guarded by waiting.

    Args:
        parameters: those that are trained.
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
        """Look at the loss and the gradients of a step.

        Raises:
            DivergedError: if one is not finite, unless it is deferred.
        """
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._found.zero_()
        if gradients:
            # What torch's GradScaler uses: one pass over all gradients; scaling by one leaves every bit in place.
            torch._amp_foreach_non_finite_check_and_unscale_(gradients, self._found, self._one)
        if self.is_deferred:
            self._found.logical_or_(~torch.isfinite(loss))
            self._bad.logical_or_(self._found)
            self._optimizer.found_inf = self._found  # type: ignore[attr-defined]
        elif self._found.item() or not math.isfinite(loss.item()):
            raise self.error(loss.item())

    def raise_if_bad(self) -> None:
        """Raise what was deferred since the last call.

        Raises:
            DivergedError: if the loss or a gradient was not finite in some step.
        """
        if self.is_deferred and self._bad.item():
            problem = "The loss or a gradient was not finite (NaN or Inf); the steps where it was were skipped."
            raise DivergedError(problem, learning_rate=self._learning_rate)

    def error(self, loss: float) -> DivergedError:
        """Return the error for a step that was not taken.

        Args:
            loss: the step's loss.
        """
        what = "A gradient" if math.isfinite(loss) else f"The loss ({loss})"
        return DivergedError(
            f"{what} is not finite; the weights are as before that step.", learning_rate=self._learning_rate
        )

    @property
    def _learning_rate(self) -> float:
        return float(max(group["lr"] for group in self._optimizer.param_groups))


@final
class Update:
    """Guards, transforms the gradients, steps, and does what follows a step.

    Args:
        model: the network.
        optimizer: its optimizer.
        transforms: change the gradients of the parameters in place, in this order: `clip_norm`, `clip_value`.
        afterwards: called with the number of the step after it, in this order: a constraint, an average.
        again: the loss of the batch under way, if the optimizer looks at it again.
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
            DivergedError: if the loss or a gradient is not finite; the weights are then as before the step.
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
        """Step with an optimizer that looks again: where it ends must be finite, or the step did not happen."""
        before = [parameter.detach().clone() for parameter in self._parameters]
        self._optimizer.step(again)  # type: ignore[arg-type]
        if not all_finite(self._parameters):
            with torch.no_grad():
                torch._foreach_copy_([parameter.detach() for parameter in self._parameters], before)
            raise self.guard.error(math.nan)
