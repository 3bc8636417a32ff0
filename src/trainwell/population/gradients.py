"""Losses and gradients of many networks in one step: with grouped layers where possible, else with `torch.func.vmap`.

Letters: W members, B examples of a batch, K classes.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from trainwell.population.grouped import GroupedNetwork
from trainwell.tasks import Task

Stacked = dict[str, Tensor]
"""Tensors by name, (W, ...) each."""


class GradientFunction(Protocol):
    """Computes the gradients of one step."""

    def __call__(
        self, weights: Stacked, buffers: Stacked, *, settings: Stacked, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        """Return gradients (W, ...), new buffers (W, ...) and losses (W,).

        Args:
            weights: parameters by name, (W, ...).
            buffers: buffers by name, (W, ...).
            settings: of the loss by name, (W,); see `Task.functional_loss`.
            batch: inputs and targets, (B, ...) if shared, else (W, B, ...).
            shared: True if all members see the same batch.
        """


def mapped_gradient(model: nn.Module, task: Task) -> GradientFunction:
    """Return the gradient function of any network that vmap can batch: that of one network, mapped over members."""

    def forward(
        weights: Stacked, buffers: Stacked, settings: Stacked, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Stacked]:
        live = {name: buffer.clone() for name, buffer in buffers.items()}  # layers write into their buffers
        outputs = functional_call(model, {**weights, **live}, (batch[0],))
        return task.functional_loss(outputs, batch[1], settings=settings), live

    derived = grad_and_value(forward, has_aux=True)
    by_sharing = {
        shared: vmap(derived, in_dims=(0, 0, 0, None if shared else 0), randomness="same") for shared in (False, True)
    }

    def gradient(
        weights: Stacked, buffers: Stacked, *, settings: Stacked, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        gradients, (losses, new) = by_sharing[shared](weights, buffers, settings, batch)
        return gradients, new, losses.detach()

    return gradient


def grouped_gradient(model: GroupedNetwork, task: Task) -> GradientFunction:
    """Return the gradient function of a network of grouped layers; buffers are updated in place."""

    def gradient(
        weights: Stacked, buffers: Stacked, *, settings: Stacked, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        members = len(next(iter(leaves.values())))
        outputs = model({**leaves, **buffers}, batch[0], members=members, shared=shared)
        if task.takes_stacks:
            losses = task.functional_loss(outputs, batch[1], settings=settings)
        else:
            losses = vmap(task.functional_loss, in_dims=(0, None if shared else 0, 0))(outputs, batch[1], settings)
        found = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, found, strict=True)), buffers, losses.detach()

    return gradient


def clip_gradients(gradients: Stacked, limit: Tensor) -> Stacked:
    """Scale each member's gradient to a norm of at most `limit`, as torch's clip_grad_norm_; a limit of 0 keeps it.

    Args:
        gradients: by name, (W, ...).
        limit: (W,).

    >>> clip_gradients({"w": torch.tensor([[3.0, 4.0], [3.0, 4.0]])}, torch.tensor([1.0, 0.0]))["w"].norm(dim=1)
    tensor([1.0000, 5.0000])
    """
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients.values()])
    norm = squares.sum(0).sqrt()
    factor = torch.where(limit > 0, (limit / (norm + 1e-6)).clamp(max=1.0), torch.ones_like(norm))
    return {name: gradient * factor.reshape(-1, *[1] * (gradient.ndim - 1)) for name, gradient in gradients.items()}
