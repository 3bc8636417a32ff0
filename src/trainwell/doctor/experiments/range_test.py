"""The range test: find a learning rate by raising it until the loss breaks (Smith 2017; curriculum F2)."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainwell.core.errors import DivergedError, UsageError
from trainwell.core.seeds import derive
from trainwell.fitting.build import build_parts
from trainwell.fitting.job import build_loop, build_tools
from trainwell.fitting.plan import Plan
from trainwell.recipe import edit
from trainwell.train import State, train

Floats = NDArray[np.float64]

LOWEST, HIGHEST = 1e-6, 10.0
STEPS, SEEDS = 140, 3
_OWN_STEPS = ("rprop", "lbfgs", "newton", "saddle_free", "vsgd")
_WINDOW = 5.0  # steps: deviation of the bell that smooths, centred, so that nothing lags
_BROKEN = 3.0  # times the loss at the start: from here on the network is being destroyed
_WILD = 5.0
_LEAST_DROP = 0.1  # share of the first loss that a valley must be deep, and ...
_NOISE = 4.0  # ... how many standard errors of the mean over seeds
_BEGUN, _HALF = 0.15, 0.5  # shares of the depth at which the loss has begun to fall, and has fallen half
_SAFETY = 3.0  # the lowest loss is where the rate is about to be too high


@dataclass(frozen=True)
class RateRange:
    """What a range test found.

    Args:
        rates: (steps,) what was tried, rising.
        losses: (steps,) smoothed training loss, averaged over the seeds; infinite where it broke.
        current: the rate of the recipe.
        suggested: a rate; None where the loss has no clear valley.
        low: smallest rate at which the loss has begun to fall.
        high: largest rate that is safe.
        reason: one sentence that says why.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    current: float
    suggested: float | None
    low: float | None
    high: float | None
    reason: str

    @property
    def verdict(self) -> str:
        """Say in one line what to do."""
        if self.suggested is None or self.low is None or self.high is None:
            return f"no clear valley: rate unchanged ({self.current:.3g})"
        return f"suggested rate {self.suggested:.2g}, safe between {self.low:.2g} and {self.high:.2g}"


def range_test(
    plan: Plan, *, steps: int = STEPS, seeds: int = SEEDS, check: Callable[[], None] = lambda: None
) -> RateRange:
    """Train a few short runs whose rate rises from 1e-6 to 10, and read a rate from where the loss falls.

    Only the training split is read. Warm-up and schedule are left out; momentum, decay and the rest are the recipe's.

    Args:
        plan: data and recipe.
        steps: of each run.
        seeds: runs; their mean is read.
        check: called at every step; raises to break off.
    Raises:
        UsageError: if the optimizer finds its own steps.

    >>> from trainwell.fitting import gather
    >>> from trainwell.fitting import plan as plan_of
    >>> found = range_test(plan_of(gather("iris", {})), steps=60, seeds=1)
    >>> found.suggested is not None and found.low < found.suggested <= found.high
    True
    """
    if plan.recipe.optim.name in _OWN_STEPS:
        raise UsageError(
            f"optim.name must be an optimizer with a rate to choose, got {plan.recipe.optim.name!r}, which finds its "
            "own steps. Choose 'adamw' or 'sgd'."
        )
    if steps < 20 or seeds < 1:
        raise UsageError(f"A range test must have at least 20 steps and 1 seed, got {steps} and {seeds}.")
    rates = np.geomspace(LOWEST, HIGHEST, steps)
    curves = np.stack([smooth(_sweep(plan, rates, number, check)) for number in range(seeds)])
    return read_range(rates, curves, current=plan.recipe.optim.learning_rate)


def read_range(rates: Floats, curves: Floats, *, current: float) -> RateRange:
    """Read a rate from smoothed losses.

    Args:
        rates: (steps,) rising.
        curves: (seeds, steps), infinite where a run broke.
        current: the rate that stays if there is no clear valley.

    >>> rates = np.geomspace(1e-6, 10, 71)
    >>> curve = np.where(rates < 1e-4, 2.0, np.where(rates < 0.1, 2 - np.log10(rates / 1e-4) / 2, 9.0))
    >>> found = read_range(rates, curve[None], current=0.5)
    >>> f"{found.low:.1g} {found.suggested:.1g} {found.high:.1g}"
    '0.0003 0.009 0.03'
    """
    losses = curves.mean(axis=0)
    first = max(3, len(rates) // 10)
    start = float(losses[:first].mean())

    def found(suggested: float | None, low: float | None, high: float | None, reason: str) -> RateRange:
        return RateRange(tuple(rates), tuple(losses), current, suggested, low, high, reason)

    if not math.isfinite(start):
        return found(None, None, None, "The loss is no finite number from the start: look at the data first.")
    broken = np.flatnonzero(~np.isfinite(losses) | (losses > _BROKEN * max(start, 1e-12)))
    end = int(broken[0]) if len(broken) else len(rates)
    lowest = int(losses[:end].argmin())
    depth = start - float(losses[lowest])
    error = float(np.std(curves[:, :end] - curves[:, :first].mean(axis=1, keepdims=True), axis=0).mean())
    wanted = max(_LEAST_DROP * abs(start), _NOISE * error / math.sqrt(len(curves)))
    if depth < wanted:
        return found(
            None, None, None, f"The loss falls by {depth:.3g} at most, less than the {wanted:.3g} beyond noise."
        )
    low = float(rates[_first_below(losses, start - _BEGUN * depth)])
    half = float(rates[_first_below(losses, start - _HALF * depth)])
    high = max(float(rates[lowest]) / _SAFETY, half)
    said = f"The loss falls from {start:.3g} to {losses[lowest]:.3g} at {rates[lowest]:.2g}"
    said += f" and breaks at {rates[end]:.2g}." if end < len(rates) else "."
    return found(math.sqrt(half * high), low, high, said)


def smooth(losses: Floats) -> Floats:
    """Average each loss with its neighbours under a bell, corrected at the ends; infinite from where it explodes.

    >>> smooth(np.array([1.0, 1.0, np.inf])).tolist()
    [1.0, 1.0, inf]
    """
    # What explodes is cut off first: a bell would carry its size back to where all was well.
    start = float(np.median(losses[: max(3, len(losses) // 10)]))
    wild = np.flatnonzero(~(losses <= _WILD * max(start, 1e-12)))
    finite = np.arange(len(losses)) < (wild[0] if len(wild) else len(losses))
    distance = np.arange(len(losses))[:, None] - np.arange(len(losses))[None, :]
    weights = np.exp(-0.5 * (distance / _WINDOW) ** 2) * finite
    mean: Floats = (weights @ np.where(finite, losses, 0.0)) / np.maximum(weights.sum(axis=1), 1e-30)
    return np.where(finite, mean, np.inf)


def _first_below(losses: Floats, limit: float) -> int:
    return int(np.flatnonzero(losses <= limit)[0])


def _sweep(plan: Plan, rates: Floats, number: int, check: Callable[[], None]) -> Floats:
    """Train once while the rate rises, and return the loss of every step; infinite from where it broke."""
    seed = derive(plan.recipe.seed, "range", number) if number else plan.recipe.seed
    recipe = edit(plan.recipe, {"seed": seed, "optim.reference_batch": 0, "train.patience": 0})
    parts = build_parts(dataclasses.replace(plan, recipe=recipe))

    def after(state: State) -> None:
        check()
        state.stop = "enough" if state.step >= len(rates) else ""

    tools = dataclasses.replace(build_tools(parts), rate=lambda step: float(rates[min(step, len(rates) - 1)]))
    job = dataclasses.replace(build_loop(tools, after), epochs=len(rates))
    state = State(micro_batch=recipe.train.micro_batch, loss_sum=torch.zeros((), device=job.device))
    losses = np.full(len(rates), np.inf)
    try:
        for step, moment in zip(itertools.count(), train(job, state), strict=False):
            losses[step] = float(moment.loss)
    except DivergedError:
        pass  # what comes after stays infinite: that is what the test is for
    return losses
