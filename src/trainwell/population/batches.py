"""The batches of a stack: shared by its members, or one for each where seeds or folds differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, final

import torch
from torch import Tensor

from trainwell.core.batch import Batch
from trainwell.data.batches import ArrayBatches
from trainwell.population.compatibility import Member
from trainwell.population.folds import Folds
from trainwell.population.stack import MemberStack


class StackBatch(NamedTuple):
    """One step's examples.

    Args:
        inputs: (B, ...) if shared, else (W, B, ...).
        targets: likewise.
        shared: True if all members see the same batch.
    """

    inputs: Tensor
    targets: Tensor
    shared: bool


@final
class StackBatches:
    """Batches of stacks.

    Args:
        folds: the examples.
        batch_size: B.
        augment: changes the inputs of a training batch; None for no augmentation.
    """

    def __init__(self, folds: Folds, *, batch_size: int, augment: Callable[[Batch], Batch] | None) -> None:
        self._folds = folds
        self._batch_size = batch_size
        self._augment = augment

    def steps(self, member: Member) -> int:
        """Return the number of batches in an epoch of a member; equal for all members of a population."""
        return len(self._of(member))

    def epoch(self, stack: MemberStack) -> Iterator[StackBatch]:
        """Yield the batches of a stack's next epoch, in the order in which each member alone would see them."""
        streams = {(member.recipe.seed, member.fold): member for member in stack.members}
        epochs = [self._of(member).epoch(stack.epoch) for member in streams.values()]
        if len(epochs) == 1:
            for batch in epochs[0]:
                yield StackBatch(batch.inputs, batch.targets, shared=True)
            return
        number = {stream: row for row, stream in enumerate(streams)}
        rows = torch.tensor([number[member.recipe.seed, member.fold] for member in stack.members])
        for batches in zip(*epochs, strict=True):
            inputs = torch.stack([batch.inputs for batch in batches])
            targets = torch.stack([batch.targets for batch in batches])
            yield StackBatch(inputs.index_select(0, rows), targets.index_select(0, rows), shared=False)

    def augmented(self, batch: StackBatch) -> StackBatch:
        """Return the batch with augmented inputs; random numbers are drawn from torch's default generator."""
        if self._augment is None:
            return batch
        inputs, targets, shared = batch
        if shared:
            return batch._replace(inputs=self._augment(Batch({"inputs": inputs, "targets": targets})).inputs)
        flat = self._augment(Batch({"inputs": inputs.flatten(0, 1), "targets": targets.flatten(0, 1)}))
        return batch._replace(inputs=flat.inputs.view_as(inputs))

    def _of(self, member: Member) -> ArrayBatches:
        fold = self._folds.fold(member.recipe, member.fold)
        return ArrayBatches(
            fold.tensors, indices=fold.splits.train, batch_size=self._batch_size, seed=member.recipe.seed, shuffle=True
        )
