"""One batch as the network sees it: prepared, in the order of training, with the augmentation of its step."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError
from trainwell.core.seeds import derive
from trainwell.data import Preparation, View
from trainwell.fitting.build import build_augmentation, build_parts
from trainwell.fitting.plan import gather, plan

_MAX_VIEWED = 64  # maximum number of examples to draw


@dataclass(frozen=True)
class BatchPreview:
    """A batch as it enters the network.

    Args:
        inputs: (B, ...) float, prepared and augmented.
        labels: the target of each example, as text.
        preparation: how inputs were prepared.
        step: number of the training step.
        steps_per_epoch: steps of an epoch.
    """

    inputs: Tensor
    labels: tuple[str, ...]
    preparation: Preparation
    step: int
    steps_per_epoch: int

    def views(self, count: int = _MAX_VIEWED) -> list[View]:
        """Return the first examples for display, with the preparation undone where possible."""
        return self.preparation.fitted.view(self.inputs[:count].float().numpy())


def preview_batch(
    source: str | os.PathLike[str], edits: Mapping[str, object] | None = None, *, step: int = 0
) -> BatchPreview:
    """Return the batch that the network gets at one step.

    Args:
        source: data, a recipe, or the folder of a run.
        edits: dotted key to value.
        step: number of the step, from 0.
    Raises:
        UsageError: if there is no such step.

    >>> preview = preview_batch("iris", {"train.batch_size": 4})
    >>> preview.inputs.shape, len(preview.labels)
    (torch.Size([4, 4]), 4)
    """
    kept = Path(source) / "recipe.toml"
    settings = gather(kept if kept.is_file() else Path(source), edits or {}, custom=True)
    parts = build_parts(plan(settings), nn.Identity())  # the network is not needed, and may be given from Python
    assert parts.data.preparation is not None  # read from disk, not given from Python
    recipe = parts.recipe
    each = len(parts.data.train)
    if not 0 <= step < each * recipe.train.epochs:
        raise UsageError(
            f"--step must be between 0 and {each * recipe.train.epochs - 1:,} for {recipe.train.epochs:,} epochs of "
            f"{each:,} steps, got {step:,}."
        )
    epoch, position = divmod(step, each)
    batch = next(itertools.islice(parts.data.train.epoch(epoch, position), 1))
    augment = build_augmentation(recipe, parts.data.input_facts, preparation=parts.data.preparation, task=parts.task)
    if augment:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive(recipe.seed, "step", epoch=epoch, step=step))
            batch = augment(batch)
    labels = tuple(parts.task.words(target) for target in parts.task.restore_targets(batch.targets.numpy()))
    return BatchPreview(batch.inputs, labels, parts.data.preparation, step, each)
