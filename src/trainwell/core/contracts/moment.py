"""What a probe may look at in one step of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from trainwell.core.batch import Batch
    from trainwell.core.contracts.outputs import Outputs
    from trainwell.core.contracts.task import Task


class Moment(NamedTuple):
    """The state of training between the backward pass and the optimizer's step.

    Gradients are in place and parameters still hold their old values. A probe reads, and changes nothing.

    Args:
        step: number of this step, from 0.
        model: the network, in train mode.
        optimizer: the optimizer about to step.
        batch: the (last micro-)batch, on the device.
        outputs: what the network returned for it: a tensor, a tuple or named tensors; see `core/contracts/outputs.py`.
        loss: 0-d tensor, on the device: reading it may wait for the device.
        task: what is learned; None where the loop is not ours.
    """

    step: int
    model: nn.Module
    optimizer: Optimizer
    batch: Batch
    outputs: Outputs
    loss: Tensor
    task: Task | None = None
