"""Some members of a population as one set of tensors. W is the number of members, the first axis of each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.optim.functional import Settings, Slots
from trainwell.population.compatibility import Member
from trainwell.population.gradients import Stacked
from trainwell.population.optimizer import StackedOptimizer

OPTIMIZER_SETTINGS = tuple(name for name in Settings._fields if name != "learning_rate")


@dataclass
class StackTensors:
    """The tensors of a stack.

    Args:
        weights: parameters by name.
        buffers: buffers by name: running statistics, dropout probabilities.
        slots: the state of the optimizer by name of the parameter.
        loss_settings: settings of the loss by name, (W,) each.
        clip_norm: (W,) largest norm of each member's gradient; 0 for no limit.
        diverged: (W,) the epoch in which a member diverged, from 1; 0 if it did not.
    """

    weights: Stacked
    buffers: Stacked
    slots: dict[str, Slots]
    loss_settings: Stacked
    clip_norm: Tensor
    diverged: Tensor

    def select(self, rows: Tensor) -> StackTensors:
        """Return the tensors of some of the members."""
        return _combine([self], lambda tensors: tensors[0].index_select(0, rows))


@dataclass
class MemberStack:
    """Some members of a population.

    Args:
        members: the members.
        positions: their positions in the population.
        optimizer: updates the weights, with each member's settings.
        tensors: everything that training changes, and each member's settings of the loss.
        epoch: number of completed epochs.
    """

    members: list[Member]
    positions: list[int]
    optimizer: StackedOptimizer
    tensors: StackTensors
    epoch: int = 0

    def select(self, rows: Sequence[int]) -> MemberStack:
        """Return a stack of some of the members."""
        return MemberStack(
            members=[self.members[row] for row in rows],
            positions=[self.positions[row] for row in rows],
            optimizer=self.optimizer.select(rows),
            tensors=self.tensors.select(torch.tensor(rows, dtype=torch.int64)),
            epoch=self.epoch,
        )


def build_stack(
    members: Sequence[Member], positions: Sequence[int], *, model: nn.Module, loss_settings: Sequence[str]
) -> MemberStack:
    """Stack the networks of some members.

    Args:
        members: with their networks, which are not needed afterwards.
        positions: of the members in the population.
        model: the network as a program; its tensors are never used.
        loss_settings: settings of the task by which the losses differ.
    """
    parameters = [dict(member.model.named_parameters()) for member in members]
    buffers = [dict(member.model.named_buffers()) for member in members]
    weights = {name: torch.stack([own[name].detach() for own in parameters]) for name in parameters[0]}
    stacked_buffers = {name: torch.stack([own[name] for own in buffers]) for name, _ in model.named_buffers()}
    for row, member in enumerate(members):
        for name in member.dropout_buffers:
            if name in stacked_buffers:
                stacked_buffers[name][row] = member.recipe.nn.dropout

    def column(section: str, name: str) -> Tensor:
        return torch.tensor([float(getattr(getattr(member.recipe, section), name)) for member in members])

    settings = {name: column("optim", name) for name in OPTIMIZER_SETTINGS}
    optimizer = StackedOptimizer(members[0].recipe.optim.name, settings)
    tensors = StackTensors(
        weights=weights,
        buffers=stacked_buffers,
        slots=optimizer.start(weights),
        loss_settings={name: column("task", name) for name in loss_settings},
        clip_norm=column("train", "clip_norm"),
        diverged=torch.zeros(len(members), dtype=torch.int64),
    )
    return MemberStack(
        [dataclasses.replace(member, model=model) for member in members], list(positions), optimizer, tensors
    )


def restack(parts: Sequence[MemberStack], width: int) -> list[MemberStack]:
    """Join stacks and divide them again into stacks of `width` members."""
    if not parts:
        return []
    whole = MemberStack(
        members=[member for part in parts for member in part.members],
        positions=[position for part in parts for position in part.positions],
        optimizer=parts[0].optimizer.join([part.optimizer for part in parts]),
        tensors=_combine([part.tensors for part in parts], torch.cat),
        epoch=parts[0].epoch,
    )
    size = len(whole.members)
    return [whole.select(range(start, min(start + width, size))) for start in range(0, size, width)]


def _combine(parts: Sequence[StackTensors], combine: Callable[[list[Tensor]], Tensor]) -> StackTensors:
    """Return the tensors that a function makes of the corresponding tensors of all parts."""

    def by_name(tensors: Sequence[Stacked]) -> Stacked:
        return {name: combine([each[name] for each in tensors]) for name in tensors[0]}

    return StackTensors(
        weights=by_name([part.weights for part in parts]),
        buffers=by_name([part.buffers for part in parts]),
        slots={
            name: tuple(combine(list(slots)) for slots in zip(*(part.slots[name] for part in parts), strict=True))
            for name in parts[0].slots
        },
        loss_settings=by_name([part.loss_settings for part in parts]),
        clip_norm=combine([part.clip_norm for part in parts]),
        diverged=combine([part.diverged for part in parts]),
    )
