"""As many epochs as fit into the minutes that were given, from a few steps that are timed first."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import statistics
import time

import torch

from trainwell.assemble.build import Parts
from trainwell.assemble.plan import CUSTOM
from trainwell.recipe import edit
from trainwell.train import choose_device, placed

_STEPS, _SECONDS, _WARM_UP = 30, 6.0, 2
_FORWARD = 1 / 3  # share of a step that its forward pass takes
_SPARE = 0.92  # share of the time that is planned: reading, scoring and saving take the rest


def in_time(parts: Parts) -> Parts:
    """Return the same parts with as many epochs as `train.minutes` allow, at least one; a copy of the network is timed.

    The recipe that is recorded says the epochs and no minutes, so that the run can be repeated bit for bit.
    """
    minutes = parts.recipe.train.minutes
    if not minutes:
        return parts
    device = choose_device(parts.recipe.train.device)
    model = placed(copy.deepcopy(parts.model), device, rearrange=parts.recipe.nn.model != CUSTOM).train()
    seconds: list[float] = []
    begun = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        for batch in itertools.islice(parts.train.epoch(0), _STEPS):
            started = time.perf_counter()
            moved = batch.to(device)
            torch.autograd.backward(parts.task.loss(parts.task.forward(model, moved), moved))
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds.append(time.perf_counter() - started)
            if time.perf_counter() - begun > _SECONDS:
                break
    step = statistics.median(seconds[_WARM_UP:] or seconds)
    sizes = parts.facts.sizes
    scored = (sizes.get("validation", 0) + len(parts.sample or ())) / max(1, sizes.get("train", 1))
    epoch = step * len(parts.train) * (1 + _FORWARD * scored)
    epochs = max(1, int(_SPARE * 60 * minutes / epoch))
    recipe = edit(parts.recipe, {"train.epochs": epochs, "train.minutes": 0.0})
    facts = dataclasses.replace(parts.facts, epochs=epochs, steps=epochs * len(parts.train))
    return dataclasses.replace(parts, recipe=recipe, facts=facts)
