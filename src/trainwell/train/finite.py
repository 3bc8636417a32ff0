"""Detection of non-finite losses and weights, and the error they raise."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from trainwell.core.errors import DivergedError


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Tell whether all values of the tensors are finite; integers always are.

    >>> all_finite([torch.zeros(2), torch.arange(3)]), all_finite([torch.tensor([1.0, torch.nan])])
    (True, False)
    """
    floats = [tensor.detach() for tensor in tensors if tensor.is_floating_point()]
    # The norm of a finite tensor is infinite only if its values exceed 1e19, which is divergence as well.
    return not floats or bool(torch.stack([norm.isfinite() for norm in torch._foreach_norm(floats)]).all())


def require_finite(model: nn.Module, *, loss: float, learning_rate: float) -> None:
    """Check that the weights of a network and its loss are finite.

    Raises:
        DivergedError: if they are not.
    """
    if not all_finite(model.state_dict().values()):
        raise DivergedError("The weights are not finite (NaN or Inf).", learning_rate=learning_rate)
    if not math.isfinite(loss):
        raise DivergedError(f"The training loss is not finite ({loss}).", learning_rate=learning_rate)
