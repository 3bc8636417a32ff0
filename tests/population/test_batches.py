"""Batches of a stack."""

from __future__ import annotations

import torch

from trainwell.core.batch import Batch
from trainwell.data.batches import ArrayBatches
from trainwell.fitting import gather, plan
from trainwell.population.batches import StackBatches
from trainwell.population.compatibility import make_member
from trainwell.population.folds import make_folds
from trainwell.population.stack import build_stack
from trainwell.recipe import edit

DATA = make_folds(plan(gather("iris", {"nn.hidden": (4,), "nn.dropout": 0.0})))


def stack_of(*seeds: int):
    members = [make_member(edit(DATA.plan.recipe, {"seed": seed}), DATA) for seed in seeds]
    return build_stack(members, range(len(members)), model=members[0].model, loss_settings=())


def test_members_with_one_seed_share_their_batches() -> None:
    batches = StackBatches(DATA, batch_size=16, augment=None)
    found = list(batches.epoch(stack_of(1, 1)))
    assert all(batch.shared and batch.inputs.shape == (len(batch.targets), 4) for batch in found)
    assert len(found) == batches.steps(stack_of(1).members[0])


def test_members_with_other_seeds_see_what_each_would_see_alone() -> None:
    stack = stack_of(1, 2, 1)
    stack.epoch = 3
    fold = DATA.fold(DATA.plan.recipe, 0)
    expected = [
        ArrayBatches(fold.tensors, indices=fold.splits.train, batch_size=16, seed=seed, shuffle=True).epoch(3)
        for seed in (1, 2, 1)
    ]
    batches = StackBatches(DATA, batch_size=16, augment=None)
    for batch, *alone in zip(batches.epoch(stack), *expected, strict=True):
        assert not batch.shared
        for row, own in enumerate(alone):
            assert torch.equal(batch.inputs[row], own.inputs) and torch.equal(batch.targets[row], own.targets)


def test_augmentation_keeps_the_shape_of_the_batch() -> None:
    def double(batch: Batch) -> Batch:
        return Batch({"inputs": batch.inputs * 2, "targets": batch.targets})

    batches = StackBatches(DATA, batch_size=16, augment=double)
    for stack in (stack_of(1, 1), stack_of(1, 2)):
        batch = next(batches.epoch(stack))
        assert torch.equal(batches.augmented(batch).inputs, batch.inputs * 2)
