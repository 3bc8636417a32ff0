"""Stacks: members are selected and joined with everything that is theirs."""

from __future__ import annotations

import torch

from trainwell.fitting import gather, plan
from trainwell.population.compatibility import make_member
from trainwell.population.folds import make_folds
from trainwell.population.population import Population
from trainwell.population.stack import restack
from trainwell.recipe import edit

DATA = make_folds(plan(gather("iris", {"nn.hidden": (4,), "nn.dropout": 0.2})))


def test_members_keep_what_is_theirs() -> None:
    recipes = [edit(DATA.plan.recipe, {"seed": seed, "task.label_smoothing": 0.1 * seed}) for seed in range(5)]
    stacks = Population([make_member(recipe, DATA) for recipe in recipes], DATA, width=2).stacks
    assert [stack.positions for stack in stacks] == [[0, 1], [2, 3], [4]]
    whole = restack(stacks, 5)[0]
    packed = restack([whole.select([4, 0]), whole.select([3])], 2)
    assert [stack.positions for stack in packed] == [[4, 0], [3]]
    for stack in packed:
        for row, position in enumerate(stack.positions):
            assert stack.members[row].recipe.seed == position
            assert stack.tensors.loss_settings["label_smoothing"][row].item() == torch.tensor(0.1 * position).item()
            for name, weight in stack.tensors.weights.items():
                assert torch.equal(weight[row], whole.tensors.weights[name][position])
    assert restack([], 3) == []
