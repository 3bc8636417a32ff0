"""Out of memory: halve the micro-batch and keep the effective batch size."""

from __future__ import annotations

import gc

import torch

from trainwell.core.errors import TrainingError
from trainwell.train.job import State

# Messages of allocators that do not raise torch.OutOfMemoryError (cuDNN, the CPU allocator).
_SAYINGS = ("out of memory", "DefaultCPUAllocator: can't allocate", "CUDNN_STATUS_NOT_SUPPORTED")


def out_of_memory(problem: RuntimeError | MemoryError) -> str:
    """Return a description of an out-of-memory error; re-raise any other error.

    >>> out_of_memory(MemoryError())
    'memory ran out'
    """
    if isinstance(problem, (torch.OutOfMemoryError, MemoryError)):
        return "memory ran out"
    if any(saying in str(problem) for saying in _SAYINGS):
        return "memory ran out"
    raise problem


def shrink(state: State, batch_size: int, *, reason: str) -> None:
    """Halve the micro-batch to retry the step with the same effective batch.

    Args:
        state: its `micro_batch` is halved.
        batch_size: number of examples that did not fit.
        reason: description of the error, for the message.
    Raises:
        TrainingError: if not even one example fits.

    >>> state = State()
    >>> shrink(state, 64, reason="memory ran out")
    >>> state.micro_batch
    32
    """
    tried = min(state.micro_batch or batch_size, batch_size)
    if tried <= 1:
        raise TrainingError(
            f"Training cannot continue: {reason} with a single example. "
            "Reduce the network (nn.width, nn.hidden) or the images (data.image_size), or use another device."
        )
    state.micro_batch = tried // 2
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
