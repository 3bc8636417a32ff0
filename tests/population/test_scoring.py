"""Scores of many networks at once are those of each."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.batch import Batch
from trainwell.fitting import gather, plan
from trainwell.population.folds import stand
from trainwell.population.scoring import score_fold
from trainwell.recipe import edit


@pytest.mark.parametrize("source", ["digits", "breast-cancer", "diabetes"])
def test_scores_are_those_of_each_network_alone(source: str) -> None:
    place = stand(plan(gather(source, {})))
    recipe = place.plan.recipe
    fold = place.fold(recipe, 0)
    generator = torch.Generator().manual_seed(0)
    width = fold.tensors["inputs"][0].numel()
    heads = torch.randn(3, width, fold.outputs, generator=generator)
    if place.task(recipe, fold.preparation).settings:
        recipe = edit(recipe, {"task.label_smoothing": 0.2})
    settings = {
        name: torch.full((3,), getattr(recipe.task, name)) for name in place.task(recipe, fold.preparation).settings
    }
    tasks = [place.task(recipe, fold.preparation)] * 3
    found = score_fold(lambda inputs: inputs.flatten(1) @ heads, fold, tasks, settings)
    chosen = torch.from_numpy(fold.splits.validation)
    batch = Batch({name: tensor[chosen] for name, tensor in fold.tensors.items()})
    for head, outcome in zip(heads, found, strict=True):
        outputs, tally = batch.inputs.flatten(1) @ head, tasks[0].tally()
        tally.add(outputs, batch)
        expected = {"loss": tasks[0].loss(outputs, batch).item(), **tally.scores()}
        assert outcome.scores == pytest.approx(expected, rel=1e-4)


def test_a_loss_that_is_no_number_is_an_outcome() -> None:
    place = stand(plan(gather("digits", {})))
    fold = place.fold(place.plan.recipe, 0)
    tasks = [place.task(place.plan.recipe, fold.preparation)] * 2

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros(len(inputs), 10), torch.full((len(inputs), 10), torch.nan)])

    good, bad = score_fold(forward, fold, tasks, {})
    assert good.scores["loss"] == pytest.approx(2.302585, abs=1e-4) and not bad.scores and "nan" in bad.reason
