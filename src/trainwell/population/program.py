"""The program that the members of a population share: gradients and outputs of all members of a stack at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import final

from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainwell.population.dropout import remove_dropout
from trainwell.population.gradients import GradientFunction, Stacked, grouped_gradient, mapped_gradient
from trainwell.population.grouped import group_layers
from trainwell.tasks import Task


@final
class SharedProgram:
    """The network and its gradient, for tensors of many members: with grouped layers if possible, else mapped.

    Args:
        model: the network of one member; its tensors are never used.
        task: the task.
        input_shape: shape of one example.
        has_dropout: True if a member uses dropout.
    """

    def __init__(self, model: nn.Module, task: Task, *, input_shape: Sequence[int], has_dropout: bool) -> None:
        self.model = copy.deepcopy(model).train()
        if not has_dropout:
            remove_dropout(self.model)
        self._grouped = group_layers(self.model, input_shape)
        self.gradient: GradientFunction = (
            grouped_gradient(self._grouped, task) if self._grouped else mapped_gradient(self.model, task)
        )

    def forward(self, weights: Stacked, buffers: Stacked) -> Callable[[Tensor], Tensor]:
        """Return the function from inputs (B, ...), shared by all members, to outputs (W, B, ...)."""
        tensors = {**weights, **buffers}
        grouped = self._grouped
        if grouped:
            members = len(next(iter(weights.values())))
            return lambda inputs: grouped(tensors, inputs, members=members, shared=True)
        mapped = vmap(lambda own, inputs: functional_call(self.model, own, (inputs,)), in_dims=(0, None))
        return lambda inputs: mapped(tensors, inputs)
