"""One update of the weights: guard, clip, step, constrain, average."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.errors import DivergedError
from trainwell.core.task import Task


@final
class Average:
    """Exponential moving average of the weights (Polyak and Juditsky 1992; decay as in Tarvainen and Valpola 2017).

    The decay rises with the steps, min(decay, (1 + n) / (10 + n)), so that early weights are forgotten.

    Args:
        model: the network that is averaged.
        decay: share of the average that is kept in a step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        floats = (tensor for tensor in model.state_dict().values() if tensor.is_floating_point())
        self._live = list({tensor.data_ptr(): tensor for tensor in floats}.values())  # tied weights once
        self.weights = [tensor.detach().clone() for tensor in self._live]
        self._decay = decay

    def update(self, step: int) -> None:
        """Move the average towards the weights after step number `step`."""
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.weights, [tensor.detach() for tensor in self._live], 1 - decay)

    def swap(self) -> None:
        """Exchange the network's weights and their average; call it again to exchange them back."""
        with torch.no_grad():
            for live, average in zip(self._live, self.weights, strict=True):
                held = live.clone()
                live.copy_(average)
                average.copy_(held)


@final
class Again:
    """The loss of the batch under way, for optimizers that look at it again within a step.

    Every look draws what the first one drew (dropout masks), so that a line search sees one function.

    Args:
        model: the network.
        task: its task.
    """

    def __init__(self, model: nn.Module, task: Task) -> None:
        self._model, self._task = model, task
        self._batch: Batch | None = None
        self._random = torch.empty(0)

    def see(self, batch: Batch) -> Batch:
        """Remember the batch whose step is under way, and what is drawn in it."""
        self._batch, self._random = batch, torch.get_rng_state()
        return batch

    def __call__(self) -> Tensor:
        """Return the loss with its graph."""
        assert self._batch is not None, "a step comes after its batch"
        torch.set_rng_state(self._random)
        return self._task.loss(self._task.forward(self._model, self._batch), self._batch)


@final
class Update:
    """Clips, refuses non-finite gradients, steps and averages.

    The guard asks *before* the step, so that a non-finite number never reaches the weights. On the processor
    it looks at once. On an accelerator it hands a flag to the fused optimizer, which then skips the step on
    the device, and the flag is read only when `raise_if_bad` is called: no wait in a step. An optimizer that
    cannot take the flag is guarded by waiting.

    Args:
        model: the network.
        optimizer: its optimizer.
        clip_norm: largest norm of the whole gradient (Pascanu et al. 2013); 0 for none.
        clip_value: largest size of each of its numbers (Graves 2013); 0 for none.
        constrain: called after each step to put the weights back where they may be, if given.
        average: kept up to date after each step, if given.
        again: the loss of the batch under way, if the optimizer looks at it again.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
        constrain: Callable[[], None] | None = None,
        average: Average | None = None,
        again: Again | None = None,
    ) -> None:
        self._optimizer = optimizer
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        device = self._parameters[0].device
        self._clip_norm, self._clip_value = clip_norm, clip_value
        self._constrain, self._again = constrain, again
        self._average = average
        self._bad = torch.zeros((), device=device)
        self._one = torch.ones((), device=device)
        self._found = torch.zeros((), device=device)
        self._deferred = device.type != "cpu" and bool(optimizer.defaults.get("fused"))

    def __call__(self, step: int, loss: Tensor) -> None:
        """Update the weights from the gradients in place.

        Args:
            step: number of the step, from 0.
            loss: 0-d, the step's loss.
        Raises:
            DivergedError: if the loss or a gradient is not finite; the weights are then as before the step.
        """
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._found.zero_()
        if gradients:
            # What torch's GradScaler uses: one pass over all gradients; scaling by one leaves every bit in place.
            torch._amp_foreach_non_finite_check_and_unscale_(gradients, self._found, self._one)
        if self._deferred:
            self._found.logical_or_(~torch.isfinite(loss))
            self._bad.logical_or_(self._found)
            self._optimizer.found_inf = self._found  # type: ignore[attr-defined]
        elif self._found.item() or not math.isfinite(loss.item()):
            self._complain(loss.item())
        if self._clip_norm:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._clip_norm)
        if self._clip_value:
            torch.nn.utils.clip_grad_value_(self._parameters, self._clip_value)
        if self._again:
            self._step_by_loss(self._again)
        else:
            self._optimizer.step()
        if self._constrain:
            self._constrain()
        if self._average:
            self._average.update(step)

    def _step_by_loss(self, again: Again) -> None:
        """Step with an optimizer that looks again: where it ends must be finite, or the step did not happen."""
        before = [parameter.detach().clone() for parameter in self._parameters]
        self._optimizer.step(again)  # type: ignore[arg-type]
        if not all(norm.isfinite() for norm in torch._foreach_norm([p.detach() for p in self._parameters])):
            with torch.no_grad():
                torch._foreach_copy_([p.detach() for p in self._parameters], before)
            self._complain(math.nan)

    def raise_if_bad(self) -> None:
        """Raise what a deferred guard found since the last call."""
        if self._deferred and self._bad.item():
            raise DivergedError(
                "The loss or a gradient stopped being a finite number; the steps where it did were left out. "
                f"Try --set optim.learning_rate={self._rate() / 10:.2g}, or --set train.clip_norm=1."
            )

    def _complain(self, loss: float) -> None:
        what = f"The loss became {loss}" if not math.isfinite(loss) else "A gradient stopped being a finite number"
        raise DivergedError(
            f"{what}; the weights are as before that step. The learning rate was {self._rate():.3g}: "
            f"try --set optim.learning_rate={self._rate() / 10:.2g}, or --set train.clip_norm=1."
        )

    def _rate(self) -> float:
        return float(max(group["lr"] for group in self._optimizer.param_groups))
