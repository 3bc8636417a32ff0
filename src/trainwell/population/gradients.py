"""Loss and gradient of many networks at one step: mapped by `torch.func`, or side by side where the layers allow it.

Letters: W members, B examples of a batch, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from trainwell.core.batch import Batch
from trainwell.population.grouped import Grouped
from trainwell.tasks import Task

Stacked = dict[str, Tensor]
Loss = Callable[[Tensor, Tensor, Mapping[str, Tensor]], Tensor]


class Gradient(Protocol):
    """Computes one step's gradients."""

    def __call__(
        self, weights: Stacked, buffers: Stacked, hyper: Stacked, *, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        """Return gradients (W, ...), new buffers (W, ...) and losses (W,).

        Args:
            weights: parameters by name, (W, ...).
            buffers: buffers by name, (W, ...).
            hyper: settings by name, (W,).
            batch: inputs and targets, (B, ...) if shared, else (W, B, ...).
            shared: whether all members see the same batch.
        """


def mapped(model: nn.Module, task: Task, *, smoothed: bool) -> Gradient:
    """Return the gradient of any network that vmap can batch: written for one network, mapped over members."""
    loss = loss_of_one(task, smoothed=smoothed)

    def forward(
        weights: Stacked, buffers: Stacked, hyper: Stacked, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Stacked]:
        live = {name: buffer.clone() for name, buffer in buffers.items()}  # layers write into their buffers
        outputs = functional_call(model, {**weights, **live}, (batch[0],))
        return loss(outputs, batch[1], hyper), live

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


def side_by_side(model: Grouped, task: Task, *, smoothed: bool) -> Gradient:
    """Return the gradient of a row of plain layers; buffers are updated in place."""
    single = loss_of_one(task, smoothed=smoothed)

    def gradient(
        weights: Stacked, buffers: Stacked, hyper: Stacked, *, batch: tuple[Tensor, Tensor], shared: bool
    ) -> tuple[Stacked, Stacked, Tensor]:
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        members = len(next(iter(leaves.values())))
        outputs = model({**leaves, **buffers}, batch[0], members=members, shared=shared)
        if task.name == "classify":
            losses = cross_entropy(outputs, batch[1], hyper["smoothing"] if smoothed else None)
        else:
            losses = vmap(single, in_dims=(0, None if shared else 0, 0))(outputs, batch[1], hyper)
        found = torch.autograd.grad(losses.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, found, strict=True)), buffers, losses.detach()

    return gradient


def loss_of_one(task: Task, *, smoothed: bool) -> Loss:
    """Return a task's loss of one network, (outputs, targets, settings) -> 0-d; label smoothing is a setting."""
    if task.name != "classify":
        return lambda outputs, targets, hyper: task.loss(outputs, Batch({"inputs": outputs, "targets": targets}))
    if not smoothed:
        return lambda outputs, targets, hyper: cross_entropy(outputs, targets)
    return lambda outputs, targets, hyper: cross_entropy(outputs, targets, hyper["smoothing"])


def cross_entropy(outputs: Tensor, targets: Tensor, smoothing: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy of each network, as torch's; for many members it is several times as fast.

    Classes come first, so that sums over a few classes run along many examples; torch's own sums run along the
    classes, ten numbers at a time.

    Args:
        outputs: (..., B, K) logits.
        targets: (..., B) or (B,) int in [0, K).
        smoothing: (...,) share of each label spread over all classes.
    Returns:
        (...,) in nats.

    >>> logits, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([0])
    >>> torch.allclose(cross_entropy(logits, targets), nn.functional.cross_entropy(logits, targets))
    True
    """
    columns = outputs.transpose(-1, -2)
    shifted = columns - columns.detach().amax(-2, keepdim=True)
    scale = shifted.exp().sum(-2).log()
    index = targets.expand(*outputs.shape[:-2], -1).unsqueeze(-2)
    sharp = (scale - shifted.gather(-2, index).squeeze(-2)).mean(-1)
    if smoothing is None:
        return sharp
    return (1 - smoothing) * sharp + smoothing * (scale - shifted.mean(-2)).mean(-1)


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
