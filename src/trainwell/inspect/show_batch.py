"""One batch exactly as the network sees it: prepared, in the order of training, augmented by the draws of its step."""

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

_VIEWED = 64  # examples that are drawn at most


@dataclass(frozen=True)
class Glance:
    """A batch that is about to enter the network.

    Args:
        inputs: (B, ...) float, prepared and augmented.
        labels: what each example should be answered with, in words.
        preparation: how inputs were prepared.
        step: which step of training it is.
        steps_per_epoch: steps of an epoch.
    """

    inputs: Tensor
    labels: tuple[str, ...]
    preparation: Preparation
    step: int
    steps_per_epoch: int

    def views(self, most: int = _VIEWED) -> list[View]:
        """Return the first examples as a reader should see them, the preparation undone where that is possible."""
        return self.preparation.fitted.view(self.inputs[:most].float().numpy())


def glance(source: str | os.PathLike[str], edits: Mapping[str, object] | None = None, *, step: int = 0) -> Glance:
    """Return the batch that the network is given at one step.

    Args:
        source: data, a recipe, or the folder of a run.
        edits: dotted key to value.
        step: number of the step, from 0.
    Raises:
        UsageError: if the step lies beyond the training.

    >>> seen = glance("iris", {"train.batch_size": 4})
    >>> seen.inputs.shape, len(seen.labels)
    (torch.Size([4, 4]), 4)
    """
    kept = Path(source) / "recipe.toml"
    settings = gather(kept if kept.is_file() else Path(source), edits or {}, custom=True)
    parts = build_parts(plan(settings), nn.Identity())  # the network is not needed, and may be somebody's own
    assert parts.preparation is not None  # it was read, not made in Python
    recipe = parts.recipe
    each = len(parts.train)
    if not 0 <= step < each * recipe.train.epochs:
        raise UsageError(
            f"The step must lie between 0 and {each * recipe.train.epochs - 1:,} for {recipe.train.epochs:,} epochs of "
            f"{each:,} steps, got {step:,}. Give one of these."
        )
    epoch, position = divmod(step, each)
    batch = next(itertools.islice(parts.train.epoch(epoch, position), 1))
    augment = build_augmentation(recipe, parts.input_facts, preparation=parts.preparation, task=parts.task)
    if augment:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(derive(recipe.seed, "step", epoch=epoch, step=step))
            batch = augment(batch)
    labels = tuple(parts.task.words(target) for target in parts.task.restore_targets(batch.targets.numpy()))
    return Glance(batch.inputs, labels, parts.preparation, step, each)
