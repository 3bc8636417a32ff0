"""Memory needed for training, and the largest batch size that fits."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import nn

from trainwell.core.batch import blank
from trainwell.core.facts import InputFacts
from trainwell.cost.layers import layers
from trainwell.cost.parameters import count_parameters
from trainwell.cost.peak import step_peak


@dataclass(frozen=True)
class TrainingMemory:
    """Memory needed for training in bytes, without that of the library itself.

    Args:
        parameters: the weights and running averages.
        gradients: one number per trainable weight.
        optimizer_state: the optimizer's state of the trainable weights.
        activations: what one example adds to the peak memory of a step.
        other: further memory of a step, independent of the batch size; negative where gradients and activations
            are never all allocated at the same time.
    """

    parameters: int
    gradients: int
    optimizer_state: int
    activations: int
    other: int = 0

    def total(self, batch_size: int) -> int:
        """Return the bytes for batches of this size: parameters + gradients + state + activations x batch."""
        return max(self.fixed, self.fixed + self.other + self.activations * batch_size)

    def largest_batch(self, available: int) -> int:
        """Return the number of examples that fit into this many bytes; 0 if the network alone does not.

        >>> TrainingMemory(100, 100, 200, activations=50).largest_batch(available=1000)
        12
        """
        if self.fixed > available:
            return 0
        return max(0, (available - self.fixed - self.other) // max(1, self.activations))

    @property
    def fixed(self) -> int:
        """Bytes that do not depend on the batch size."""
        return self.parameters + self.gradients + self.optimizer_state


def training_memory(
    model: nn.Module,
    facts: InputFacts,
    *,
    state_numbers: int = 2,
    batch_size: int = 16,
    precision: torch.dtype | None = None,
) -> TrainingMemory:
    """Estimate the memory of training from a step on the meta device at two batch sizes.

    Where a network does not run on the meta device, the estimate assumes that all outputs are kept for the backward
    pass.

    Args:
        model: the network; it is not changed.
        facts: of one example.
        state_numbers: numbers per weight in the optimizer's state: 2 for Adam, 1 for momentum, 0 for plain SGD.
        batch_size: batch size at which the estimate should be most accurate.
        precision: torch.bfloat16 for activations in bfloat16; None: as the weights.
    """
    trainable = sum(p.numel() * p.element_size() for p in model.parameters() if p.requires_grad)
    buffers = sum(buffer.nbytes for buffer in model.buffers())
    known = {"parameters": count_parameters(model)["bytes"] + buffers, "gradients": trainable}
    known["optimizer_state"] = state_numbers * trainable
    low = max(2, batch_size)  # batch normalisation needs at least two examples
    try:
        first, second = (step_peak(model, facts, batch_size=size, precision=precision) for size in (low, 2 * low))
    except Exception:  # a user's network may raise any exception
        given = blank(facts, 1, device="meta").inputs.nbytes
        kept = sum(layer.activation_bytes for layer in layers(model, facts))
        return TrainingMemory(**known, activations=given + kept)
    each = (second - first) // low
    return TrainingMemory(
        **known, activations=each, other=first - each * low - known["parameters"] - known["gradients"]
    )


def free_bytes(device: torch.device) -> int:
    """Return the free memory of an accelerator, or the available memory of the system, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo") as file:
            found = dict(line.split(":", 1) for line in file)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
