"""From built parts to a job: everything that can refuse is built before a run is made on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.assemble.build import Parts, build_augmentation
from trainwell.core.batch import Batch
from trainwell.core.protocols import Display
from trainwell.data.augment import Augment
from trainwell.optim import optimizer, schedule
from trainwell.runs import RunWriter
from trainwell.train import Average, Interrupt, Job, Update, Upkeep, choose_device


@dataclass(frozen=True)
class Tools:
    """What changes the weights.

    Args:
        parts: the data side and the network, now on its device.
        device: where to compute.
        optimizer: changes the weights.
        rate: learning rate as a function of the step.
        average: averaged weights, or None.
        augment: changes training pictures, or None.
    """

    parts: Parts
    device: torch.device
    optimizer: Optimizer
    rate: Callable[[int], float]
    average: Average | None
    augment: Augment | None


def build_tools(parts: Parts) -> Tools:
    """Build optimizer, schedule, average and augmentation of a recipe.

    Raises:
        UsageError: if the device is not here, the network has nothing to train, or settings do not fit the data.
    """
    recipe = parts.recipe
    device = choose_device(recipe.train.device)
    augment = build_augmentation(recipe, pictures=len(parts.facts.input_shape) == 3)
    model = parts.model.to(device).train()
    return Tools(
        parts=parts,
        device=device,
        optimizer=optimizer(model, recipe.optim, raised=_raised(parts), factor=recipe.transfer.head_rate),
        rate=schedule(recipe.optim, steps=recipe.train.epochs * len(parts.train), epochs=recipe.train.epochs),
        average=Average(model, recipe.train.ema) if recipe.train.ema else None,
        augment=augment,
    )


def build_job(tools: Tools, writer: RunWriter, interrupt: Interrupt, display: Display) -> tuple[Job, Upkeep]:
    """Join the parts with the run they are recorded in."""
    parts, device, augment = tools.parts, tools.device, tools.augment
    settings = parts.recipe.train
    update = Update(parts.model, tools.optimizer, clip_norm=settings.clip_norm, average=tools.average)
    upkeep = Upkeep(
        model=parts.model,
        task=parts.task,
        optimizer=tools.optimizer,
        update=update,
        recorder=writer,
        folder=writer.checkpoints,
        validation=parts.splits.get("validation"),
        sample=parts.sample,
        average=tools.average,
        interrupt=interrupt,
        device=device,
        patience=settings.patience,
        checkpoint_seconds=settings.checkpoint_seconds,
        display=display,
    )

    def prepare(batch: Batch) -> Batch:
        batch = batch.to(device) if device.type != "cpu" else batch
        return augment(batch) if augment else batch

    job = Job(
        model=parts.model,
        task=parts.task,
        optimizer=tools.optimizer,
        rate=tools.rate,
        batches=parts.train,
        epochs=settings.epochs,
        seed=parts.recipe.seed,
        device=device,
        prepare=prepare,
        update=update,
        after_step=upkeep,
        arrange=parts.freezing.arrange if parts.freezing else lambda epoch: None,
    )
    return job, upkeep


def _raised(parts: Parts) -> frozenset[nn.Parameter]:
    """Return the parameters that start anew beside ones that were taken over: they learn at a rate of their own."""
    return frozenset(p for path in parts.new for p in parts.model.get_submodule(path).parameters())
