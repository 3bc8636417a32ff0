"""What the recipe knows of an optimizer comes from its catalogue entry."""

from __future__ import annotations

import torch

from trainwell.core.facts import Facts
from trainwell.optim.optimizers.entry import Given, OptimizerEntry, usual, whole_batches
from trainwell.recipe import Recipe, edit, flatten


def plain(given: Given, *, momentum: float, damping: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(given.groups, momentum=momentum)


def mistakes(entry: OptimizerEntry, edits: dict[str, object]) -> list[str]:
    return list(entry.choice("mine").relation(dict(flatten(edit(Recipe(), edits)))))


def test_the_arguments_of_the_builder_are_the_settings_it_uses() -> None:
    assert OptimizerEntry(plain).choice("mine").uses == {"optim.momentum", "optim.damping"}


def test_settings_that_an_optimizer_refuses_or_needs_are_named() -> None:
    assert mistakes(OptimizerEntry(plain), {"train.clip_norm": 1.0}) == []
    (clipped,) = mistakes(OptimizerEntry(plain, traits=("closure",)), {"train.clip_norm": 1.0})
    assert clipped.startswith("train.clip_norm must be 0 for the optimizer 'mine', got 1: it evaluates the loss")
    (decoupled,) = mistakes(OptimizerEntry(plain, refuses={"optim.decoupled": "why"}), {"optim.decoupled": True})
    assert decoupled == "optim.decoupled must be false for the optimizer 'mine', got true: why. Leave it out."
    (needed,) = mistakes(OptimizerEntry(plain, needs={"optim.momentum": 0.9}), {"optim.momentum": 0})
    assert needed == "optim.momentum must be greater than 0 for the optimizer 'mine', got 0. The usual value is 0.9."


def test_usual_settings_are_fitted_to_the_data_and_to_what_was_chosen() -> None:
    choice = OptimizerEntry(plain, usual("mine", 0.5, more=whole_batches("mine"))).choice("mine")
    few, many = (choice.usual(Facts(sizes={"train": n}), {})["train.batch_size"][0] for n in (70, 70_000))
    assert (few, many) == (70, 10_000)
    alike = OptimizerEntry(plain, usual("mine", 0.5), like="adamw").choice("mine")
    assert "optim.learning_rate" not in alike.usual(Facts(), {})
    assert alike.usual(Facts(), {"optim.name": ("sgd", "")})["optim.learning_rate"] == (0.5, "usual for mine")
