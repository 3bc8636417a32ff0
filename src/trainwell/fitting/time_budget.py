"""As many epochs as fit into the minutes that were given, from a few steps that are timed first."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable

import torch

from trainwell.core.errors import DivergedError
from trainwell.fitting.build import Parts
from trainwell.fitting.job import build_tools, build_update
from trainwell.fitting.record import network_table
from trainwell.recipe import edit
from trainwell.train import out_of_memory, threads

_STEPS, _SECONDS, _WARM_UP = 30, 6.0, 2
_FORWARD = 1 / 3  # share of a step that its forward pass takes
_ENDING = 1.7  # forward passes over all examples that scores, calibration and mistakes take in the end
_SPARE = 0.92  # share of the time that is planned: watching, saving and surprises take the rest


def in_time(parts: Parts, *, begun: float | None = None, clock: Callable[[], float] = time.perf_counter) -> Parts:
    """Return the same parts with as many epochs as `train.minutes` allow, at least one; a copy of the network is timed.

    Where not even one step can be timed, for lack of memory or because it diverges, the epochs stay as they are.
    The recipe that is recorded says the epochs and no minutes, so that the run can be repeated bit for bit.

    Args:
        parts: what is to be trained.
        begun: when the time began, on that clock; None: now.
        clock: seconds, of the day or of the processor.
    """
    if not (minutes := parts.recipe.train.minutes):
        return parts
    begun, sizes = clock() if begun is None else begun, parts.facts.sizes
    if not (step := _step_seconds(parts, clock)):
        return dataclasses.replace(parts, recipe=edit(parts.recipe, {"train.minutes": 0.0}))
    pass_over = step * len(parts.train)  # the training split, once
    share = _FORWARD / max(1, sizes.get("train", 1))
    epoch = pass_over * (1 + share * (sizes.get("validation", 0) + len(parts.sample or ())))
    ending = pass_over * share * sum(sizes.values()) * _ENDING
    epochs = max(1, int((_SPARE * (60 * minutes - (clock() - begun)) - ending) / epoch))
    recipe = edit(parts.recipe, {"train.epochs": epochs, "train.minutes": 0.0})
    facts = dataclasses.replace(parts.facts, epochs=epochs, steps=epochs * len(parts.train))
    return dataclasses.replace(parts, recipe=recipe, facts=facts)


def _step_seconds(parts: Parts, clock: Callable[[], float]) -> float:
    """Return the median seconds of whole steps of a copy: making the batch, loss, gradient, update, or 0."""
    recipe, task = parts.recipe, parts.task
    per_batch = sum(layer.multiply_adds for layer in network_table(parts)) * recipe.train.batch_size
    seconds: list[float] = []
    with threads(recipe.train.threads, per_batch), torch.random.fork_rng(devices=[]):
        tools = build_tools(dataclasses.replace(parts, model=copy.deepcopy(parts.model)))
        model = tools.parts.model
        update, see = build_update(model, task, recipe, optimizer=tools.optimizer, average=tools.average)
        begun = started = clock()
        try:
            for number, fetched in enumerate(itertools.islice(parts.train.epoch(0), _STEPS)):
                batch = fetched.to(tools.device)
                batch = see(tools.augment(batch) if tools.augment else batch)
                tools.optimizer.zero_grad()
                total = torch.zeros((), device=tools.device)
                for part, share in batch.parts(recipe.train.micro_batch or len(batch)):
                    loss = task.loss(task.forward(model, part), part)
                    torch.autograd.backward(loss, None if share == 1.0 else loss.new_tensor(share))
                    total.add_(loss.detach(), alpha=share)
                update(number, total)
                if tools.device.type == "cuda":
                    torch.cuda.synchronize(tools.device)
                seconds.append(clock() - started)
                if (started := clock()) - begun > _SECONDS:
                    break
        except (DivergedError, RuntimeError, MemoryError) as problem:  # the run itself says so, or shrinks its batch
            if not isinstance(problem, DivergedError):
                out_of_memory(problem)
    return statistics.median(seconds[_WARM_UP:] or seconds or [0.0])
