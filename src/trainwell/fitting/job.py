"""From built parts to a job. Everything that may raise is built before the run is created on disk."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.contracts.protocols import Display
from trainwell.data.augment.augmentation import Augment
from trainwell.fitting.build import build_augmentation
from trainwell.fitting.catalogues import CUSTOM
from trainwell.fitting.parts import Parts
from trainwell.optim import SCHEDULES, max_norm_of, needs_closure, optimizer, rescaled_rate, schedule
from trainwell.recipe import Recipe
from trainwell.recipe.edit import vary
from trainwell.runs import RunWriter
from trainwell.train import (
    AfterStep,
    Again,
    Average,
    BestWeights,
    Checkpoints,
    Contents,
    EarlyStopping,
    EpochEnd,
    Evaluation,
    Feed,
    Interrupt,
    Job,
    Optimization,
    Plateau,
    State,
    Update,
    choose_device,
    clip_norm,
    clip_value,
    placed,
)


@dataclass(frozen=True)
class Tools:
    """Optimizer, schedule, weight average and augmentation of a run.

    Args:
        parts: the data and the network, now on its device.
        device: the device to train on.
        optimizer: updates the weights.
        rate: learning rate as a function of the step.
        average: averaged weights, or None.
        augment: augments training batches, or None.
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
        UsageError: if there is no such device, nothing to train, or settings do not match the data.
    """
    recipe = parts.recipe
    device = choose_device(recipe.train.device)
    augment = build_augmentation(recipe, parts.data.input_facts, preparation=parts.data.preparation, task=parts.task)
    model = placed(parts.model, device, rearrange=recipe.nn.model != CUSTOM).train()
    rate = build_rate(recipe, len(parts.data.train))
    return Tools(
        parts=parts,
        device=device,
        optimizer=optimizer(
            model, recipe, learning_rate=rate(0), raised=_raised(parts), factor=recipe.transfer.head_rate
        ),
        rate=rate,
        average=Average(model, recipe.train.ema) if recipe.train.ema else None,
        augment=augment,
    )


def rescaled(recipe: Recipe) -> tuple[float, list[str]]:
    """Return the peak learning rate of a recipe, rescaled to its batch size if set, and remarks for the display.

    >>> rescaled(Recipe())
    (0.001, [])
    """
    optim = recipe.optim
    batch = recipe.train.batch_size
    if not optim.reference_batch or optim.reference_batch == batch:
        return optim.learning_rate, []
    rate, warning = rescaled_rate(
        optim.learning_rate, batch=batch, reference=optim.reference_batch, rule=optim.batch_scaling
    )
    given = optim.learning_rate
    reference = optim.reference_batch
    said = f"Learning rate {rate:.3g} for batches of {batch}, rescaled from {given:.3g} for batches of {reference}."
    return rate, [said, warning] if warning else [said]


def build_rate(recipe: Recipe, steps_per_epoch: int) -> Callable[[int], float]:
    """Return the learning rate as a function of the step, rescaled to the batch size if the recipe sets it.

    >>> build_rate(Recipe(), 10)(199) < build_rate(Recipe(), 10)(10)
    True
    """
    epochs = recipe.train.epochs
    highest = rescaled(recipe)[0]
    if highest != recipe.optim.learning_rate:
        recipe = vary(recipe, {"optim.learning_rate": highest})
    return schedule(recipe, steps=epochs * steps_per_epoch, epochs=epochs)


def build_update(tools: Tools) -> tuple[Update, Callable[[Batch], Batch]]:
    """Build the update of a step, and the function that must get each batch before the network does."""
    model = tools.parts.model
    recipe = tools.parts.recipe
    transforms = []
    if recipe.train.clip_norm:
        transforms.append(clip_norm(recipe.train.clip_norm))
    if recipe.train.clip_value:
        transforms.append(clip_value(recipe.train.clip_value))
    afterwards: list[Callable[[int], None]] = []
    if math.isfinite(recipe.optim.max_norm):
        constrain = max_norm_of(model, recipe.optim.max_norm)
        afterwards.append(lambda step: constrain())
    if tools.average:
        afterwards.append(tools.average.update)
    again = Again(model, tools.parts.task) if needs_closure(tools.optimizer) else None
    update = Update(model, tools.optimizer, transforms=transforms, afterwards=afterwards, again=again)
    return update, again.see if again else lambda batch: batch


def build_loop(tools: Tools, after_step: Callable[[State], None]) -> Job:
    """Build a job with a given `after_step`."""
    update, see = build_update(tools)
    return _job(tools, update, see=see, after_step=after_step)


def build_job(tools: Tools, writer: RunWriter, *, interrupt: Interrupt, display: Display) -> tuple[Job, AfterStep]:
    """Build the job of a run that is recorded, evaluated and checkpointed.

    Args:
        tools: optimizer, schedule, weight average and augmentation.
        writer: of the run.
        interrupt: polled for signals.
        display: shows the numbers of every epoch.
    """
    parts = tools.parts
    update, see = build_update(tools)
    best = BestWeights(parts.model, score=parts.task.main_score)
    scored = {"train": parts.data.sample, "validation": parts.data.splits.get("validation")}
    evaluation = Evaluation(
        parts.model,
        parts.task,
        splits={name: batches for name, batches in scored.items() if batches is not None},
        average=tools.average,
        device=tools.device,
        check=interrupt.check,
    )
    epoch_end = EpochEnd(
        evaluation,
        best,
        optimizer=tools.optimizer,
        unless_better=_unless_better(parts),
        check=update.guard.raise_if_bad,
        recorder=writer,
        display=display,
    )
    checkpoints = Checkpoints(
        writer.checkpoints,
        Contents(parts.model, tools.optimizer, best, tools.average),
        recorder=writer,
        check=update.guard.raise_if_bad,
        seconds=parts.recipe.train.checkpoint_seconds,
    )
    after_step = AfterStep(epoch_end, checkpoints, interrupt=interrupt, recorder=writer)
    return _job(tools, update, see=see, after_step=after_step), after_step


def _job(tools: Tools, update: Update, *, see: Callable[[Batch], Batch], after_step: Callable[[State], None]) -> Job:
    parts = tools.parts
    device = tools.device
    augment = tools.augment

    def prepare(batch: Batch) -> Batch:
        batch = batch.to(device) if device.type != "cpu" else batch
        return see(augment(batch) if augment else batch)

    arrange = parts.transfer.freezing.arrange if parts.transfer.freezing else lambda epoch: None
    return Job(
        model=parts.model,
        task=parts.task,
        feed=Feed(parts.data.train, device, prepare),
        optimization=Optimization(tools.optimizer, tools.rate, update, arrange),
        epochs=parts.recipe.train.epochs,
        seed=parts.recipe.seed,
        after_step=after_step,
    )


def _unless_better(parts: Parts) -> list[Callable[[State], None]]:
    """Return the reactions to an epoch without a better score: lower the learning rate, stop early."""
    optim = parts.recipe.optim
    stop = EarlyStopping(patience=parts.recipe.train.patience, score=parts.task.main_score)
    if SCHEDULES[optim.schedule].by_score:
        return [Plateau(epochs=optim.plateau_epochs, factor=optim.step_factor), stop]
    return [stop]


def _raised(parts: Parts) -> frozenset[nn.Parameter]:
    """Return the newly initialised parameters of a transferred network, which have their own learning rate."""
    return frozenset(parameter for name, parameter in parts.model.named_parameters() if name in parts.transfer.new)
