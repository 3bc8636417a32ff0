"""Chunks: members are picked and packed with all that is theirs."""

from __future__ import annotations

import torch

from trainwell.fitting import gather, plan
from trainwell.population.compatibility import make_member
from trainwell.population.folds import stand
from trainwell.population.population import Population
from trainwell.population.stack import repack
from trainwell.recipe import edit

PLACE = stand(plan(gather("iris", {"nn.hidden": (4,), "nn.dropout": 0.2})))


def test_members_keep_what_is_theirs() -> None:
    recipes = [edit(PLACE.plan.recipe, {"seed": seed, "task.label_smoothing": 0.1 * seed}) for seed in range(5)]
    chunks = Population([make_member(recipe, PLACE, 0) for recipe in recipes], PLACE, width=2).chunks
    assert [chunk.positions for chunk in chunks] == [[0, 1], [2, 3], [4]]
    whole = repack(chunks, 5)[0]
    packed = repack([whole.select([4, 0]), whole.select([3])], 2)
    assert [chunk.positions for chunk in packed] == [[4, 0], [3]]
    for chunk in packed:
        for row, position in enumerate(chunk.positions):
            assert chunk.members[row].recipe.seed == position
            assert chunk.hyper["label_smoothing"][row].item() == torch.tensor(0.1 * position).item()
            for name, weight in chunk.weights.items():
                assert torch.equal(weight[row], whole.weights[name][position])
    assert repack([], 3) == []
