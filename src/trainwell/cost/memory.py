"""How much memory training takes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from trainwell.cost.layers import layers
from trainwell.cost.parameters import count_parameters


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes that training needs, apart from the library's own.

    Args:
        parameters: the weights.
        gradients: one number for each trainable weight.
        optimizer_state: what the optimizer remembers of each trainable weight.
        activations: what the forward pass keeps of one example for the backward pass.
    """

    parameters: int
    gradients: int
    optimizer_state: int
    activations: int

    def total(self, batch_size: int) -> int:
        """Return the bytes for batches of this size: parameters + gradients + state + activations x batch."""
        return self.fixed + self.activations * batch_size

    def largest_batch(self, available: int) -> int:
        """Return how many examples fit into this many bytes; 0 if the network alone does not.

        >>> TrainingMemory(100, 100, 200, activations=50).largest_batch(available=1000)
        12
        """
        return max(0, (available - self.fixed) // max(1, self.activations))

    @property
    def fixed(self) -> int:
        """Bytes that do not depend on the batch."""
        return self.parameters + self.gradients + self.optimizer_state


def training_memory(
    model: nn.Module,
    input_shape: tuple[int, ...],
    *,
    state_numbers: int = 2,
    dtype: torch.dtype = torch.float32,
) -> TrainingMemory:
    """Estimate the memory of training: every layer's output is kept until the backward pass.

    Args:
        model: the network; it is left as it is.
        input_shape: shape of one example, without the batch.
        state_numbers: numbers the optimizer keeps for each weight: 2 for Adam, 1 for momentum, 0 for plain SGD.
        dtype: type of the inputs; give torch.long for tokens.
    """
    trainable = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    given = torch.Size(input_shape).numel() * dtype.itemsize
    kept = sum(layer.activation_bytes for layer in layers(model, input_shape, dtype=dtype))
    return TrainingMemory(
        parameters=count_parameters(model)["bytes"],
        gradients=trainable,
        optimizer_state=state_numbers * trainable,
        activations=given + kept,
    )
