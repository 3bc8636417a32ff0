"""Load the trained network of a run, the preparation of its inputs and its task."""

from __future__ import annotations

import os

from torch import nn

from trainwell.core.errors import DamagedError
from trainwell.data import Preparation
from trainwell.fitting.build import build_network
from trainwell.fitting.model_files import mismatch, read_description, read_weights, table, weights_path
from trainwell.recipe import Recipe
from trainwell.runs import Run
from trainwell.tasks import TASKS, Task


def load_model(run: Run, model: nn.Module | None = None) -> nn.Module:
    """Return the trained network of a run, in eval mode, on the CPU.

    Args:
        run: a finished run.
        model: the architecture, for a run whose network was given from Python.
    Raises:
        StorageError: if the run has no trained network.
        DamagedError: if the weights are damaged or belong to another network.
    """
    path = weights_path(run)
    if model is None:
        recipe, preparation, task = load_task(run)
        model = build_network(recipe, preparation.facts, outputs=task.outputs, fresh=False)
    weights = read_weights(path)
    rows = mismatch(weights, model.state_dict())
    if rows:
        raise DamagedError(f"The weights in {path} belong to another network; no weights were loaded.\n{table(rows)}")
    model.load_state_dict(weights)
    return model.eval()


def load_task(run: Run) -> tuple[Recipe, Preparation, Task]:
    """Return the recipe of a run, the preparation of its inputs and its task.

    Raises:
        StorageError: if the user made the run's batches, so that there is no preparation.
        DamagedError: if the description is damaged.
    """
    preparation, targets = read_description(run)
    recipe = run.recipe
    return recipe, preparation, TASKS[recipe.task.name].build(recipe.task, targets)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open a run whose `model()` gives its trained network."""
    return Run.open(path, loader=load_model)
