"""The optimizers of a process, and stand-ins for updates that no PyTorch optimizer makes."""

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.monitor.code.source_lines import user_line


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters an optimizer changes."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


@final
class OptimizerGroup:
    """Optimizers that step together, and which of them is counted.

    Args:
        optimizers: those that step together.
        made_at: the user's line that made the first of them; "" if it is unknown.
    """

    def __init__(self, optimizers: Iterable[Optimizer], *, made_at: str = "") -> None:
        self.leader: int | None = None  # `id` of the optimizer whose steps are counted
        self.made_at = made_at
        self._references = [weakref.ref(optimizer) for optimizer in optimizers]

    def add(self, optimizer: Optimizer) -> None:
        """Add an optimizer that steps on the same gradient."""
        self._references.append(weakref.ref(optimizer))

    def alive(self) -> list[Optimizer]:
        """Return the optimizers that still exist."""
        return [optimizer for reference in self._references if (optimizer := reference()) is not None]

    def parameter_ids(self) -> set[int]:
        """Return the `id`s of the parameters that the optimizers change."""
        return {id(parameter) for optimizer in self.alive() for parameter in parameters_of(optimizer)}

    def leading_parameters(self) -> list[Tensor]:
        """Return the parameters of the optimizer whose steps are counted."""
        leading = [one for one in self.alive() if self.leader in (None, id(one))]
        return parameters_of(leading[0]) if leading else []

    def learning_rate(self) -> float:
        """Return the highest learning rate that is set now; NaN if none is."""
        rates = [float(group.get("lr", math.nan)) for one in self.alive() for group in one.param_groups]
        return max(rates, default=math.nan)

    def manual(self) -> ManualOptimizer | None:
        """Return the stand-in for updates without an optimizer, if it is one of the group."""
        return next((one for one in self.alive() if isinstance(one, ManualOptimizer)), None)


@final
class KnownOptimizers:
    """The optimizers that are watched, and every parameter that one of them has trained.

    Args:
        only: the optimizers to watch; empty to watch all that are made or step.
    """

    def __init__(self, only: Sequence[Optimizer] = ()) -> None:
        self._is_fixed = bool(only)
        self._references = [weakref.ref(optimizer) for optimizer in only]
        self._made_at: weakref.WeakKeyDictionary[Optimizer, str] = weakref.WeakKeyDictionary()
        self._trained: dict[int, weakref.ref[Tensor]] = {}

    def alive(self) -> list[Optimizer]:
        """Return the optimizers that still exist."""
        return [optimizer for reference in self._references if (optimizer := reference()) is not None]

    def add(self, optimizer: Optimizer) -> bool:
        """Remember an optimizer; return whether it is to be watched."""
        if any(known is optimizer for known in self.alive()):
            return True
        if not self._is_fixed:
            self._references.append(weakref.ref(optimizer))
            self._made_at[optimizer] = user_line() or ""
        return not self._is_fixed

    def made_at(self, optimizers: Iterable[Optimizer]) -> str:
        """Return the user's line that made the first of these optimizers; "" if it is unknown."""
        return next((line for one in optimizers if (line := self._made_at.get(one))), "")

    def parameter_ids(self) -> set[int]:
        """Return the `id`s of all parameters that any optimizer holds."""
        return {id(parameter) for optimizer in self.alive() for parameter in parameters_of(optimizer)}

    def holding(self, module: nn.Module) -> list[Optimizer]:
        """Return the optimizers that hold parameters of a module."""
        own = {id(parameter) for parameter in module.parameters()}
        return [one for one in self.alive() if not own.isdisjoint(map(id, parameters_of(one)))]

    def note_trained(self, optimizer: Optimizer) -> None:
        """Remember the parameters of an optimizer that steps."""
        self._trained |= {id(p): weakref.ref(p) for p in parameters_of(optimizer) if p.requires_grad}

    def was_trained(self, parameter: Tensor) -> bool:
        """Tell whether an optimizer that has stepped ever held a parameter that required a gradient."""
        reference = self._trained.get(id(parameter))
        return reference is not None and reference() is parameter


class KerasOptimizer(Optimizer):
    """Stands for an optimizer of Keras: the parameters it changes and its learning rate. It is never stepped."""

    def __init__(self, parameters: list[Tensor]) -> None:
        super().__init__(parameters, {"lr": math.nan})


@final
class ManualOptimizer(Optimizer):
    """Stands for updates that a script makes without an optimizer. It keeps none of the weights alive.

    Args:
        weights: what is updated.
        steps: steps that were taken before the updates were noticed.
        first_loss: the mean loss before the first of them; NaN if unknown.
    """

    def __init__(self, weights: Iterable[weakref.ref[Tensor]], *, steps: int, first_loss: float) -> None:
        # No `super().__init__`: it imports PyTorch's compiler, which takes seconds.
        self._weights = list(weights)
        self.steps = steps
        self.first_loss = first_loss
        self.settings: dict[str, Any] = {}  # "lr" and "maximize", where they are known
        self._optimizer_step_post_hooks = OrderedDict()

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The weights that are updated, with the learning rate and the direction where they are known."""
        weights = [weight for reference in self._weights if (weight := reference()) is not None]
        return [{"params": weights, "lr": math.nan, **self.settings}]
