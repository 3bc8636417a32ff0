"""Some members of a population, as tensors with the member as first axis. W is the number of members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwell.population.compatibility import Member
from trainwell.population.gradients import Stacked
from trainwell.population.optimizer import StackedOptimizer


@dataclass
class Chunk:
    """The tensors of some members; every leading axis is (W,).

    Args:
        members: who they are.
        positions: their places in the population.
        weights: parameters by name.
        buffers: buffers by name: running statistics, probabilities of dropout.
        optimizer: changes the weights, with each member's settings.
        memory: what it remembers.
        hyper: the loss's settings by name.
        clip_norm: largest norm of each member's gradient; 0 for none.
        epoch: epochs done.
        lost: (W,) the epoch in which a member diverged, from 1; 0 if it did not.
    """

    members: list[Member]
    positions: list[int]
    weights: Stacked
    buffers: Stacked
    optimizer: StackedOptimizer
    memory: dict[str, tuple[Tensor, ...]]
    hyper: Stacked
    clip_norm: Tensor
    epoch: int
    lost: Tensor

    def select(self, chosen: Sequence[int]) -> Chunk:
        """Return a chunk of some of the members."""
        rows = torch.tensor(chosen, dtype=torch.int64)

        def pick(tensors: Stacked) -> Stacked:
            return {name: tensor.index_select(0, rows) for name, tensor in tensors.items()}

        return Chunk(
            [self.members[i] for i in chosen],
            [self.positions[i] for i in chosen],
            pick(self.weights),
            pick(self.buffers),
            self.optimizer.select(chosen),
            {name: tuple(slot.index_select(0, rows) for slot in slots) for name, slots in self.memory.items()},
            pick(self.hyper),
            self.clip_norm.index_select(0, rows),
            self.epoch,
            self.lost.index_select(0, rows),
        )


def repack(parts: Sequence[Chunk], width: int) -> list[Chunk]:
    """Join chunks and cut them anew, as wide as `width`."""
    if not parts:
        return []

    def join(tensors: Sequence[Stacked]) -> Stacked:
        return {name: torch.cat([each[name] for each in tensors]) for name in tensors[0]}

    whole = Chunk(
        [member for part in parts for member in part.members],
        [position for part in parts for position in part.positions],
        join([part.weights for part in parts]),
        join([part.buffers for part in parts]),
        parts[0].optimizer.join([part.optimizer for part in parts]),
        {
            name: tuple(torch.cat(slots) for slots in zip(*(part.memory[name] for part in parts), strict=True))
            for name in parts[0].memory
        },
        join([part.hyper for part in parts]),
        torch.cat([part.clip_norm for part in parts]),
        parts[0].epoch,
        torch.cat([part.lost for part in parts]),
    )
    size = len(whole.members)
    return [whole.select(range(start, min(start + width, size))) for start in range(0, size, width)]
