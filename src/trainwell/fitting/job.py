"""From built parts to a job: everything that can refuse is built before a run is made on disk."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.protocols import Display
from trainwell.data.augment.augmentation import Augment
from trainwell.fitting.build import Parts, build_augmentation
from trainwell.fitting.plan import CUSTOM
from trainwell.optim import max_norm_of, needs_closure, optimizer, rescaled_rate, schedule
from trainwell.recipe import Recipe
from trainwell.runs import RunWriter
from trainwell.tasks import Task
from trainwell.train import Again, Average, Interrupt, Job, Update, Upkeep, choose_device, placed


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
    augment = build_augmentation(recipe, parts.input_facts, parts.preparation)
    model = placed(parts.model, device, rearrange=recipe.nn.model != CUSTOM).train()
    return Tools(
        parts=parts,
        device=device,
        optimizer=optimizer(model, recipe.optim, raised=_raised(parts), factor=recipe.transfer.head_rate),
        rate=build_rate(recipe, len(parts.train)),
        average=Average(model, recipe.train.ema) if recipe.train.ema else None,
        augment=augment,
    )


def rescaled(recipe: Recipe) -> tuple[float, list[str]]:
    """Return the highest rate of a recipe, rescaled to its batch size if asked, and what there is to say of it.

    >>> rescaled(Recipe())
    (0.001, [])
    """
    optim, batch = recipe.optim, recipe.train.batch_size
    if not optim.reference_batch or optim.reference_batch == batch:
        return optim.learning_rate, []
    rate, warning = rescaled_rate(
        optim.learning_rate, batch=batch, reference=optim.reference_batch, rule=optim.batch_scaling
    )
    given, reference = optim.learning_rate, optim.reference_batch
    said = f"The rate is {rate:.3g} for batches of {batch}: {given:.3g} is meant for {reference}."
    return rate, [said, warning] if warning else [said]


def build_rate(recipe: Recipe, steps_per_epoch: int) -> Callable[[int], float]:
    """Return the learning rate as a function of the step, rescaled to the batch size where the recipe says so.

    >>> build_rate(Recipe(), 10)(199) < build_rate(Recipe(), 10)(10)
    True
    """
    epochs = recipe.train.epochs
    optim = dataclasses.replace(recipe.optim, learning_rate=rescaled(recipe)[0])
    return schedule(optim, steps=epochs * steps_per_epoch, epochs=epochs)


def build_update(
    model: nn.Module, task: Task, recipe: Recipe, *, optimizer: Optimizer, average: Average | None
) -> tuple[Update, Callable[[Batch], Batch]]:
    """Build what changes the weights in a step, and what must see each batch before the network does."""
    limit = recipe.optim.max_norm
    again = Again(model, task) if needs_closure(optimizer) else None
    update = Update(
        model,
        optimizer,
        clip_norm=recipe.train.clip_norm,
        clip_value=recipe.train.clip_value,
        constrain=max_norm_of(model, limit) if math.isfinite(limit) else None,
        average=average,
        again=again,
    )
    return update, again.see if again else lambda batch: batch


def build_job(tools: Tools, writer: RunWriter, interrupt: Interrupt, display: Display) -> tuple[Job, Upkeep]:
    """Join the parts with the run they are recorded in."""
    parts, device, augment = tools.parts, tools.device, tools.augment
    settings = parts.recipe.train
    optim = parts.recipe.optim
    update, see = build_update(parts.model, parts.task, parts.recipe, optimizer=tools.optimizer, average=tools.average)
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
        plateau=(optim.plateau_epochs, optim.step_factor) if optim.schedule == "plateau" else (0, 1.0),
    )

    def prepare(batch: Batch) -> Batch:
        batch = batch.to(device) if device.type != "cpu" else batch
        return see(augment(batch) if augment else batch)

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
    return frozenset(parameter for name, parameter in parts.model.named_parameters() if name in parts.new)
