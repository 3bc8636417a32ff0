"""What counts as lack of memory, and what is done about it."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.errors import TrainingError
from trainwell.train.job import State
from trainwell.train.memory import out_of_memory, shrink


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    ],
)
def test_every_allocators_words_are_known(problem) -> None:
    assert out_of_memory(problem)


def test_anything_else_is_raised_again() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        out_of_memory(RuntimeError("shape mismatch"))


def test_halving_ends_at_one() -> None:
    state = State()
    sizes = []
    with pytest.raises(TrainingError, match="single example"):
        while True:
            shrink(state, 20, reason="memory ran out")
            sizes.append(state.micro_batch)
    assert sizes == [10, 5, 2, 1]
