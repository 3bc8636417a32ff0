"""Training on a user's loaders with the user's own network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn

from trainwell.core.batch import Batch, facts_of
from trainwell.core.contracts.outputs import call_network, main_output
from trainwell.core.contracts.protocols import Batches
from trainwell.core.errors import DataError, UsageError
from trainwell.core.facts import Facts
from trainwell.core.modes import evaluation_mode
from trainwell.data.batches import LoaderBatches
from trainwell.fitting.catalogues import CUSTOM, choices
from trainwell.fitting.parts import Parts, PartsData
from trainwell.recipe import check_combinations, unflatten
from trainwell.recipe.sections.setting import Value
from trainwell.tasks import TASKS, suitable_for_network

SPLITS = ("train", "validation", "test")
_BATCHES_READ = 50  # enough to estimate the frequency of each class


def loader_parts(
    loaders: Mapping[str, Iterable[Any]], model: nn.Module | None, *, settings: Mapping[str, Value]
) -> Parts:
    """Build the parts of a run on loaders.

    Args:
        loaders: "train", and optionally "validation" and "test": re-iterables of (inputs, targets) pairs,
            mappings or `Batch`es, such as torch DataLoaders.
        model: the network.
        settings: dotted key to value; "task.name" overrides the detected task.
    Raises:
        UsageError: if there is no network or no training split.
        DataError: if a loader is empty.
    """
    if model is None:
        raise UsageError("Training on loaders needs your own network: fit(loaders, your_network).")
    if unknown := set(loaders) - set(SPLITS):
        raise UsageError(f"The keys of loaders must be train, validation or test, got {', '.join(sorted(unknown))}.")
    if "train" not in loaders:
        raise UsageError('The "train" loader is missing. Example: fit({"train": loader}, your_network).')
    given: dict[str, Value] = {"data.source": "loaders", "nn.model": CUSTOM, "train.patience": 0, **settings}
    seed = unflatten(given).seed
    batches: dict[str, Batches] = {name: _batches(name, loader, seed=seed) for name, loader in loaders.items()}
    seen = list(islice(batches["train"].epoch(0), _BATCHES_READ))
    width = _width(seen[0], model)
    wanted = str(settings.get("task.name", "")) or suitable_for_network(seen[0].targets, width)
    recipe = unflatten({**given, "task.name": wanted})
    check_combinations(recipe, choices())
    task = TASKS[wanted].for_network(recipe.task, width, targets=seen[0].targets)
    if task.has_classes:
        _check_labels(seen, max(task.count, 2), width=width)
    targets = torch.cat([batch.targets for batch in seen]).numpy() if seen[0].mask is None else np.zeros(0)
    facts = Facts(
        source=recipe.data.source,
        model=recipe.nn.model,
        kind="batches",
        task=task.name,
        has_classes=task.has_classes,
        numeric_target=task.is_numeric,
        initial_loss_limits=task.initial_loss_limits,
        input_shape=tuple(seen[0].inputs.shape[1:]),
        sizes={name: _size(loader) for name, loader in loaders.items()},
        chance_loss=task.chance_loss(targets) if len(targets) else None,
        parameters=sum(p.numel() for p in model.parameters() if p.requires_grad),
        batch_size=len(seen[0]),
        epochs=recipe.train.epochs,
        steps=recipe.train.epochs * len(batches["train"]),
        optimizer=recipe.optim.name,
        learning_rate=recipe.optim.learning_rate,
    )
    data = PartsData(
        plan=None,
        preparation=None,
        input_facts=facts_of(seen[0]),
        train=batches["train"],
        splits={name: batches[name] for name in SPLITS if name in batches},
        sample=None,
    )
    return Parts(recipe, task, model, data, facts)


def _batches(name: str, loader: Iterable[Any], *, seed: int) -> Batches:
    if not isinstance(loader, Sized):
        raise UsageError(
            f"The {name} loader must have a length and support repeated iteration, "
            f"got {type(loader).__name__}. Give a DataLoader or a list of (inputs, targets) pairs."
        )
    if not len(loader):
        raise DataError(f"The {name} loader must yield at least one batch, got none. Add data, or omit the loader.")
    return LoaderBatches(loader, seed=seed)


def _width(batch: Batch, model: nn.Module) -> int:
    """Return the number of outputs of the network per example."""
    with evaluation_mode(model), torch.no_grad():
        outputs = main_output(call_network(model, batch))
    return outputs.shape[-1] if outputs.ndim > 1 else 1


def _check_labels(seen: Sequence[Batch], classes: int, *, width: int) -> None:
    low = min(int(batch.targets.min()) for batch in seen)
    high = max(int(batch.targets.max()) for batch in seen)
    if low < 0 or high >= classes:
        raise DataError(
            f"Labels must be between 0 and {classes - 1} for a network with {width} output{'s' * (width > 1)}, "
            f"got {low if low < 0 else high}. Count classes from 0, or give the network more outputs."
        )


def _size(loader: Iterable[Any]) -> int:
    dataset = getattr(loader, "dataset", ())
    return len(dataset) if isinstance(dataset, Sized) else 0
