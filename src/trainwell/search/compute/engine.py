"""Choosing the engine of a search: a population, many networks as one program, or one network at a time.

The choice is made by what the configurations need and by timing a few steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from trainwell.core.errors import UsageError
from trainwell.population.compatibility import make_member, why_incompatible
from trainwell.population.folds import Folds
from trainwell.population.population import WIDTH, Population, good_width
from trainwell.population.sequential import SingleTraining
from trainwell.recipe import Recipe, edit
from trainwell.search.compute.protocols import StopCheck
from trainwell.train import choose_device

ENGINES = ("auto", "population", "sequential")
FEWEST = 4  # with fewer members, a population costs more than it saves
_SPEEDUP = 1.3  # the smallest speed-up for which a population is chosen
# Seconds. A longer step is nearly all arithmetic, of which a population saves nothing (measured: 0.6 to 1.2 times as
# fast); except that grouped convolutions gain all the same (LeNet-5: 2 times).
_LONG_STEP = 5e-3
# A step shorter than this has so much overhead to share that a mapped population takes the full width.
_SHORT_STEP = 1e-3
_MOST_INPUT_BYTES = 1 << 30  # larger data are prepared batch by batch, which a population does not do
_WARM_UP_STEPS = 3
_TIMED_STEPS = 12
_TIMING_SECONDS = 0.5  # after so much timing, fewer steps are enough


@dataclass(frozen=True)
class EngineChoice:
    """The engine that trains the configurations of a search.

    Args:
        engine: "population" or "sequential".
        why: the reason, one sentence.
        width: members of a population that train together; 1 if sequential.
        seconds: estimated training time of one configuration, over all epochs and folds; 0 if not measured.
    """

    engine: str
    why: str
    width: int = 1
    seconds: float = 0.0


def choose_engine(recipe: Recipe, data: Folds, *, trials: int, engine: str = "auto") -> EngineChoice:
    """Choose the engine.

    Args:
        recipe: one of the configurations.
        data: the examples, in folds.
        trials: how many configurations the search will try.
        engine: "auto" chooses; another name is taken if it is possible.
    Raises:
        UsageError: if the engine is unknown, or a population is asked for and impossible.
    """
    if engine not in ENGINES:
        raise UsageError(f"--engine must be one of {', '.join(ENGINES)}, got {engine!r}.")
    if engine == "sequential":
        return EngineChoice("sequential", "one network at a time, as requested")
    reason = _why_impossible(recipe, data)
    if reason and engine == "population":
        raise UsageError(f"These networks cannot train together: {reason}. Use --engine auto.")
    if reason:
        return EngineChoice("sequential", f"one network at a time: {reason}")
    if engine == "population":
        width = good_width(make_member(recipe, data), data.fold(recipe, 0).input_shape) or WIDTH
        return EngineChoice("population", f"{width} networks at once in one program, as requested", width)
    if trials * data.count < FEWEST:
        return EngineChoice("sequential", f"one network at a time: fewer than {FEWEST} to train")
    return _measured(recipe, data)


def _why_impossible(recipe: Recipe, data: Folds) -> str:
    """Return why a population is impossible; empty if it is possible."""
    device = choose_device(recipe.train.device).type
    if device != "cpu":
        return f"populations compute on the CPU, and train.device is {device}"
    return why_incompatible(recipe) or _why_too_large(recipe, data) or _why_not_mapped(recipe, data)


def _measured(recipe: Recipe, data: Folds) -> EngineChoice:
    """Time some steps of one network and of a population, and choose the faster."""
    # A tiny learning rate takes the same time and cannot diverge meanwhile.
    calm = edit(
        recipe,
        {
            "train.epochs": max(recipe.train.epochs, _WARM_UP_STEPS + _TIMED_STEPS),
            "optim.learning_rate": 1e-9,
        },
    )
    single = SingleTraining(calm, data)
    alone = _seconds_per_step(lambda check: single.train(calm.train.epochs, check))
    steps = len(data.parts(calm, 0).data.train) * recipe.train.epochs * data.count
    member = make_member(calm, data)
    width = good_width(member, data.fold(calm, 0).input_shape)
    has_convolutions = any(isinstance(part, nn.Conv2d) for part in member.model.modules())
    if alone > _LONG_STEP and not (width and has_convolutions):
        return EngineChoice(
            "sequential",
            f"one network at a time: a step takes {alone * 1e3:.1f} ms, nearly all of it arithmetic, of which "
            "training together saves nothing",
            seconds=alone * steps,
        )
    width = width or (WIDTH if alone < _SHORT_STEP else WIDTH // 8)
    population = Population([member] * width, data, width=width)
    together = _seconds_per_step(lambda check: population.train(1.0, check)) / width
    speedup = alone / together
    measured = f"a step takes {together * 1e6:,.0f} µs per network together, {alone * 1e6:,.0f} µs alone"
    if speedup < _SPEEDUP:
        return EngineChoice(
            "sequential",
            f"one network at a time: {measured} ({speedup:.1f}x, not worth it)",
            seconds=alone * steps,
        )
    return EngineChoice(
        "population",
        f"{width} networks at once in one program: {measured} ({speedup:.1f}x)",
        width=width,
        seconds=together * steps,
    )


class _EnoughSteps(Exception):
    """Enough steps were timed."""


def _seconds_per_step(train: Callable[[StopCheck], None]) -> float:
    """Return the time of one step of a training that calls its argument at each step, in seconds.

    The first quartile, on the clock of this thread: other programs make steps longer, never shorter, and must not
    decide.
    """
    times: list[float] = []

    def check() -> None:
        times.append(time.thread_time())
        done = len(times) > _WARM_UP_STEPS + _TIMED_STEPS
        if done or (len(times) > 2 * _WARM_UP_STEPS and times[-1] - times[0] > _TIMING_SECONDS):
            raise _EnoughSteps

    try:
        train(check)
    except _EnoughSteps:
        pass
    gaps = [after - before for before, after in zip(times[_WARM_UP_STEPS:], times[_WARM_UP_STEPS + 1 :], strict=False)]
    return sorted(gaps)[len(gaps) // 4] if gaps else 0.0


def _why_too_large(recipe: Recipe, data: Folds) -> str:
    """Return that the prepared inputs take too much memory; empty if they do not."""
    size = 4 * len(data.plan.examples) * math.prod(data.parts(recipe, 0).facts.input_shape)
    return f"the inputs take {size / 1e9:.1f} GB of memory" if size > _MOST_INPUT_BYTES else ""


def _why_not_mapped(recipe: Recipe, data: Folds) -> str:
    """Return why torch cannot map this network over members; empty if it can. One step is tried."""
    member = make_member(recipe, data)
    for module in member.model.modules():
        if isinstance(module, (nn.LSTM, nn.GRU)):
            name = type(module).__name__
            return f"torch has no batching rule for several nn.{name} layers at once (pytorch issue 105982)"
    population = Population([member, member], data, width=2)
    steps = 0

    def stop_after_one() -> None:
        nonlocal steps
        steps += 1
        if steps > 1:
            raise _EnoughSteps

    try:
        population.train(1.0, stop_after_one)
    except _EnoughSteps:
        pass
    except RuntimeError as problem:
        return f"torch cannot map the network over members ({' '.join(str(problem).split())[:120]})"
    return ""
