"""The number of epochs that fit into a time limit, from a few timed steps."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable

import torch

from trainwell.core.errors import DivergedError, TrainingError
from trainwell.fitting.job import build_loop, build_tools
from trainwell.fitting.parts import Parts
from trainwell.fitting.record import network_table
from trainwell.recipe import edit
from trainwell.train import State, threads, train

_STEPS = 30
_SECONDS = 6.0
_WARM_UP = 2
_FORWARD = 1 / 3  # fraction of a step that its forward pass takes
_ENDING = 1.7  # forward passes over all examples for scores, calibration and mistakes at the end
_SPARE = 0.92  # fraction of the time that is planned; the rest is for monitoring, checkpoints and variation


def in_time(parts: Parts, *, begun: float | None = None, clock: Callable[[], float] = time.perf_counter) -> Parts:
    """Return the parts with the number of epochs that `train.minutes` allows, at least one, by timing a copy.

    Where no step can be timed, because memory runs out or training diverges, the number of epochs does not change.
    The recorded recipe has the number of epochs and no minutes, so that the run is reproducible bit for bit.

    Args:
        parts: the parts to train.
        begun: start time on that clock; None: now.
        clock: returns seconds of wall or CPU time.
    """
    minutes = parts.recipe.train.minutes
    if not minutes:
        return parts
    begun = clock() if begun is None else begun
    step = _step_seconds(parts, clock)
    if not step:
        return dataclasses.replace(parts, recipe=edit(parts.recipe, {"train.minutes": 0.0}))
    sizes = parts.facts.sizes
    one_pass = step * len(parts.data.train)  # the training split, once
    forward = _FORWARD / max(1, sizes.get("train", 1))  # time of one example, as a fraction of that pass
    epoch = one_pass * (1 + forward * (sizes.get("validation", 0) + len(parts.data.sample or ())))
    ending = one_pass * forward * sum(sizes.values()) * _ENDING
    left = 60 * minutes - (clock() - begun)
    epochs = max(1, int((_SPARE * left - ending) / epoch))
    recipe = edit(parts.recipe, {"train.epochs": epochs, "train.minutes": 0.0})
    facts = dataclasses.replace(parts.facts, epochs=epochs, steps=epochs * len(parts.data.train))
    return dataclasses.replace(parts, recipe=recipe, facts=facts)


def _step_seconds(parts: Parts, clock: Callable[[], float]) -> float:
    """Return the median seconds of the first steps of a copy, from a batch to the update.

    0 if no step was possible, or if the batch did not fit into memory: the run itself then finds a micro-batch size.
    """
    micro_batch = parts.recipe.train.micro_batch
    per_batch = sum(layer.multiply_adds for layer in network_table(parts)) * parts.recipe.train.batch_size
    ends: list[float] = []

    def note(state: State) -> None:
        if job.device.type == "cuda":
            torch.cuda.synchronize(job.device)
        ends.append(clock())
        if ends[-1] - begun > _SECONDS or state.micro_batch != micro_batch:
            state.stop = "timed"

    with threads(parts.recipe.train.threads, per_batch), torch.random.fork_rng(devices=[]):
        copied = dataclasses.replace(
            parts, model=copy.deepcopy(parts.model), transfer=dataclasses.replace(parts.transfer, freezing=None)
        )
        job = build_loop(build_tools(copied), note)
        state = State.before_training(job.device, micro_batch=micro_batch)
        begun = clock()
        try:
            for _ in itertools.islice(train(job, state), _STEPS + 1):  # the update of the last moment is not made
                pass
        except (DivergedError, TrainingError):
            pass  # the run itself reports it
    if state.micro_batch != micro_batch:
        return 0.0
    seconds = [end - start for start, end in itertools.pairwise([begun, *ends])]
    return statistics.median(seconds[_WARM_UP:] or seconds or [0.0])
