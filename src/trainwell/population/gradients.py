"""Loss and gradient of many networks at one step: mapped by `torch.func`, or side by side where the layers allow it.

Letters: W members, B examples of a batch, K classes.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from trainwell.population.grouped import Grouped
from trainwell.tasks import Task

Stacked = dict[str, Tensor]


class Gradient(Protocol):
    """Computes one step's gradients."""

    def __call__(
        self, weights: Stacked, buffers: Stacked, hyper: Stacked, *, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        """Return gradients (W, ...), new buffers (W, ...) and losses (W,).

        Args:
            weights: parameters by name, (W, ...).
            buffers: buffers by name, (W, ...).
            hyper: settings of the task by name, (W,) each; see `Task.functional_loss`.
            batch: inputs and targets, (B, ...) if shared, else (W, B, ...).
            shared: whether all members see the same batch.
        """


def mapped(model: nn.Module, task: Task) -> Gradient:
    """Return the gradient of any network that vmap can batch: written for one network, mapped over members."""

    def forward(
        weights: Stacked, buffers: Stacked, hyper: Stacked, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Stacked]:
        live = {name: buffer.clone() for name, buffer in buffers.items()}  # layers write into their buffers
        outputs = functional_call(model, {**weights, **live}, (batch[0],))
        return task.functional_loss(outputs, batch[1], hyper), live

    derived = grad_and_value(forward, has_aux=True)
    ways = {
        shared: vmap(derived, in_dims=(0, 0, 0, None if shared else 0), randomness="same") for shared in (False, True)
    }

    def gradient(
        weights: Stacked, buffers: Stacked, hyper: Stacked, *, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        gradients, (losses, new) = ways[shared](weights, buffers, hyper, batch)
        return gradients, new, losses.detach()

    return gradient


def side_by_side(model: Grouped, task: Task) -> Gradient:
    """Return the gradient of a row of plain layers; buffers are updated in place."""

    def gradient(
        weights: Stacked, buffers: Stacked, hyper: Stacked, *, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        members = len(next(iter(leaves.values())))
        outputs = model({**leaves, **buffers}, batch[0], members=members, shared=shared)
        if task.takes_stacks:
            losses = task.functional_loss(outputs, batch[1], hyper)
        else:
            losses = vmap(task.functional_loss, in_dims=(0, None if shared else 0, 0))(outputs, batch[1], hyper)
        found = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, found, strict=True)), buffers, losses.detach()

    return gradient


def clip(gradients: Stacked, limit: Tensor) -> Stacked:
    """Scale each member's gradient down to a norm of `limit` as torch's clip_grad_norm_ does; a limit of 0 leaves it.

    Args:
        gradients: by name, (W, ...).
        limit: (W,).

    >>> clip({"w": torch.tensor([[3.0, 4.0], [3.0, 4.0]])}, torch.tensor([1.0, 0.0]))["w"].norm(dim=1)
    tensor([1.0000, 5.0000])
    """
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients.values()])
    norm = squares.sum(0).sqrt()
    factor = torch.where(limit > 0, (limit / (norm + 1e-6)).clamp(max=1.0), torch.ones_like(norm))
    return {name: gradient * factor.reshape(-1, *[1] * (gradient.ndim - 1)) for name, gradient in gradients.items()}
