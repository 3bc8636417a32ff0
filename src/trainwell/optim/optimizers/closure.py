"""What optimizers share that evaluate the loss again within a step.

Their `step` takes a closure that returns the loss of the same batch with its graph and does *not* call backward.
Without a closure there is no curvature, and they refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from trainwell.core.errors import UsageError

Loss = Callable[[], Tensor]


def required(closure: Any, name: str) -> Loss:
    """Return the closure of a step, or refuse.

    Raises:
        UsageError: if there is none.
    """
    if closure is None:
        raise UsageError(f"{name} needs a closure that returns the loss: optimizer.step(closure).")
    return closure  # type: ignore[no-any-return]


def trainable(built: Optimizer) -> list[tuple[Tensor, dict[str, Any]]]:
    """Return the parameters that are not frozen at the moment, each with its group."""
    return [(p, group) for group in built.param_groups for p in group["params"] if p.requires_grad]
