"""A trained network on disk, with everything needed to use it: weights, preparation, labels, recipe."""

from __future__ import annotations

import json
import os
from pathlib import Path

from torch import nn

from trainwell.core.errors import DamagedError
from trainwell.core.files import atomic_write, storage_errors
from trainwell.data import Preparation
from trainwell.fitting.build import build_network, build_task
from trainwell.fitting.model_files import (
    PREPARATION,
    WEIGHTS,
    checksum,
    mismatch,
    read_preparation,
    read_weights,
    table,
    weights_path,
)
from trainwell.recipe import Recipe
from trainwell.runs import Run
from trainwell.tasks import Task

_FORMAT = 1


def save_model(folder: Path, model: nn.Module, preparation: Preparation | None, labels: tuple[str, ...]) -> None:
    """Write `model/`: the weights, and how raw inputs become the network's.

    Args:
        folder: the run's folder.
        model: the network with its best weights.
        preparation: what was fitted on the training split; None where the user made the batches.
        labels: names of the classes.
    """
    from safetensors.torch import save

    target = folder / "model"
    # Tied weights share memory, which the format refuses: each name gets bytes of its own.
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    described = {
        "format": _FORMAT,
        "labels": list(labels),
        "preparation": preparation.to_json() if preparation else None,
    }
    with storage_errors(f"Writing {target}", folder):
        target.mkdir(exist_ok=True)
        atomic_write(target / WEIGHTS, save(weights, {"sha256": checksum(weights)}))
        atomic_write(target / PREPARATION, json.dumps(described))


def load_model(run: Run, model: nn.Module | None = None) -> nn.Module:
    """Return the trained network of a run, in eval mode, on the processor.

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
        model = build_network(recipe, preparation.facts, task.outputs, fresh=False)
    weights = read_weights(path)
    rows = mismatch(weights, model.state_dict())
    if rows:
        raise DamagedError(f"The weights {path} belong to another network; nothing was loaded.\n{table(rows)}")
    model.load_state_dict(weights)
    return model.eval()


def load_task(run: Run) -> tuple[Recipe, Preparation, Task]:
    """Return the recipe of a run, the preparation of its inputs and its task.

    Raises:
        StorageError: if the run's batches were made by the user, so that nothing is known of raw inputs.
        DamagedError: if the description is damaged.
    """
    preparation = read_preparation(run)
    recipe = run.recipe
    return recipe, preparation, build_task(recipe, preparation)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open a run whose `model()` gives its trained network."""
    return Run.open(path, loader=load_model)
