"""A trained network on disk, with everything needed to use it: weights, preparation, labels, recipe."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainwell.assemble.build import build_network, build_task
from trainwell.core.errors import DamagedError, StorageError
from trainwell.core.files import atomic_write, storage_errors
from trainwell.data import Preparation
from trainwell.recipe import Recipe
from trainwell.runs import Run
from trainwell.tasks import Task

WEIGHTS = "weights.safetensors"
PREPARATION = "preparation.json"
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
        atomic_write(target / WEIGHTS, save(weights))
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
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = run.path / "model" / WEIGHTS
    if not path.is_file():
        raise StorageError(f"The run {run.path} has no trained network yet ({run.status}). Finish or resume it first.")
    if model is None:
        recipe, preparation, _ = load_task(run)
        outputs = build_task(recipe, preparation)[1]
        model = build_network(recipe, preparation.input_shape, outputs)
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as problem:
        raise DamagedError(f"The weights {path} cannot be read: {problem}. Restore the file or train again.") from None
    mismatch = _mismatch(weights, model.state_dict())
    if mismatch:
        raise DamagedError(f"The weights {path} belong to another network: {mismatch}. Nothing was loaded.")
    model.load_state_dict(weights)
    return model.eval()


def load_task(run: Run) -> tuple[Recipe, Preparation, Task]:
    """Return the recipe of a run, the preparation of its inputs and its task.

    Raises:
        StorageError: if the run's batches were made by the user, so that nothing is known of raw inputs.
        DamagedError: if the description is damaged.
    """
    path = run.path / "model" / PREPARATION
    with storage_errors(f"Reading {path}", run.path):
        content = path.read_bytes() if path.is_file() else None
    if content is None:
        raise StorageError(f"The run {run.path} has no trained network yet ({run.status}). Finish or resume it first.")
    try:
        described: dict[str, Any] = json.loads(content)
        preparation = described["preparation"] and Preparation.from_json(described["preparation"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise DamagedError(f"{path} is damaged: {problem}. Restore the file or train again.") from None
    if preparation is None:
        raise StorageError(
            f"The run {run.path} was trained on batches made in Python: pass your network, run.model(network)."
        )
    recipe = run.recipe
    return recipe, preparation, build_task(recipe, preparation)[0]


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open a run whose `model()` gives its trained network."""
    return Run.open(path, loader=load_model)


def _mismatch(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> str:
    lines = []
    for name in sorted(found.keys() | expected.keys()):
        has = tuple(found[name].shape) if name in found else "nothing"
        needs = tuple(expected[name].shape) if name in expected else "nothing"
        if has != needs:
            lines.append(f"{name}: expected {needs}, found {has}")
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return "; ".join(lines[:5]) + more
