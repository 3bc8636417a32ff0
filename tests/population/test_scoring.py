"""Scores of many networks at once are those of each."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.batch import Batch
from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.population.scoring import score_fold
from trainwell.recipe import edit


@pytest.mark.parametrize("source", ["digits", "breast-cancer", "diabetes"])
def test_scores_are_those_of_each_network_alone(source: str) -> None:
    data = make_folds(plan(gather(source, {})))
    recipe = data.plan.recipe
    fold = data.fold(recipe, 0)
    generator = torch.Generator().manual_seed(0)
    width = fold.tensors["inputs"][0].numel()
    heads = torch.randn(3, width, fold.outputs, generator=generator)
    if data.task(recipe, fold.targets).settings:
        recipe = edit(recipe, {"task.label_smoothing": 0.2})
    settings = {name: torch.full((3,), getattr(recipe.task, name)) for name in data.task(recipe, fold.targets).settings}
    tasks = [data.task(recipe, fold.targets)] * 3
    found = score_fold(lambda inputs: inputs.flatten(1) @ heads, fold, tasks=tasks, settings=settings)
    chosen = torch.from_numpy(fold.splits.validation)
    batch = Batch({name: tensor[chosen] for name, tensor in fold.tensors.items()})
    for head, result in zip(heads, found, strict=True):
        outputs, tally = batch.inputs.flatten(1) @ head, tasks[0].tally()
        tally.add(outputs, batch)
        expected = {"loss": tasks[0].loss(outputs, batch).item(), **tally.scores()}
        assert result.scores == pytest.approx(expected, rel=1e-4)


def test_a_loss_that_is_not_finite_is_a_result() -> None:
    data = make_folds(plan(gather("digits", {})))
    fold = data.fold(data.plan.recipe, 0)
    tasks = [data.task(data.plan.recipe, fold.targets)] * 2

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros(len(inputs), 10), torch.full((len(inputs), 10), torch.nan)])

    good, bad = score_fold(forward, fold, tasks=tasks, settings={})
    assert good.scores["loss"] == pytest.approx(2.302585, abs=1e-4) and not bad.scores and "nan" in bad.reason
