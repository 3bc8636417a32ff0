"""The learning rate range test: raise the learning rate until the loss diverges (Smith 2017)."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DivergedError, UsageError
from trainwell.core.seeds import derive
from trainwell.fitting.build import build_parts
from trainwell.fitting.job import build_loop, build_tools
from trainwell.fitting.plan import Plan
from trainwell.optim import OPTIMIZERS
from trainwell.recipe import edit
from trainwell.train import State, train

Floats = NDArray[np.float64]

LOWEST = 1e-6
HIGHEST = 10.0
STEPS = 140
SEEDS = 3
_WINDOW = 5.0  # steps: standard deviation of the Gaussian window that smooths, centred so that it does not lag
_DIVERGED = 3.0  # times the loss at the start
_CUT_OFF = 5.0  # times the loss at the start: larger losses are left out of smoothing
_LEAST_DROP = 0.1  # fraction of the first loss by which it must fall, and ...
_NOISE = 4.0  # ... number of standard errors of the mean over seeds
# fractions of the whole fall at which the loss has begun to fall, and has fallen half
_BEGUN = 0.15
_HALF = 0.5
_SAFETY = 3.0  # at the lowest loss the learning rate is about to be too high


@dataclass(frozen=True)
class RateRange:
    """The result of a range test.

    Args:
        rates: (steps,) learning rates, rising.
        losses: (steps,) smoothed training loss, averaged over the seeds; infinite where it diverged.
        current: the learning rate of the recipe.
        suggested: learning rate to use; None if the loss has no clear minimum.
        low: smallest learning rate at which the loss has begun to fall.
        high: largest learning rate that is safe.
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
        """The result in one line."""
        if self.suggested is None or self.low is None or self.high is None:
            return f"no clear minimum: learning rate unchanged ({self.current:.3g})"
        return f"suggested learning rate {self.suggested:.2g}, safe between {self.low:.2g} and {self.high:.2g}"


def range_test(
    plan: Plan, *, steps: int = STEPS, seeds: int = SEEDS, check: Callable[[], None] = lambda: None
) -> RateRange:
    """Train a few short runs whose learning rate rises from 1e-6 to 10, and choose one where the loss falls.

    Only the training split is read. Warm-up and schedule are left out; everything else is the recipe's.

    Args:
        plan: data and recipe.
        steps: steps of each run.
        seeds: number of runs; their mean is evaluated.
        check: is called at every step; it raises to stop the test.
    Raises:
        UsageError: if the optimizer has no learning rate to choose.

    >>> from trainwell.fitting import gather
    >>> from trainwell.fitting import plan as plan_of
    >>> found = range_test(plan_of(gather("iris", {})), steps=60, seeds=1)
    >>> found.suggested is not None and found.low < found.suggested <= found.high
    True
    """
    if "own_steps" in OPTIMIZERS[plan.recipe.optim.name].traits:
        raise UsageError(
            f"optim.name must be an optimizer with a learning rate to choose, got {plan.recipe.optim.name!r}, which "
            "computes its own step size. Choose 'adamw' or 'sgd'."
        )
    if steps < 20 or seeds < 1:
        raise UsageError(f"A range test must have at least 20 steps and 1 seed, got {steps} and {seeds}.")
    rates = np.geomspace(LOWEST, HIGHEST, steps)
    curves = np.stack([smooth(_sweep(plan, rates, number=number, check=check)) for number in range(seeds)])
    return read_range(rates, curves, current=plan.recipe.optim.learning_rate)


def read_range(rates: Floats, curves: Floats, *, current: float) -> RateRange:
    """Choose a learning rate from smoothed losses.

    Args:
        rates: (steps,) rising.
        curves: (seeds, steps), infinite where a run diverged.
        current: the learning rate that stays if there is no clear minimum.

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
        return found(None, None, None, "The loss is NaN or infinite from the start: check the data first.")
    diverged = np.flatnonzero(~np.isfinite(losses) | (losses > _DIVERGED * max(start, 1e-12)))
    end = int(diverged[0]) if len(diverged) else len(rates)
    lowest = int(losses[:end].argmin())
    depth = start - float(losses[lowest])
    error = float(np.std(curves[:, :end] - curves[:, :first].mean(axis=1, keepdims=True), axis=0).mean())
    wanted = max(_LEAST_DROP * abs(start), _NOISE * error / math.sqrt(len(curves)))
    if depth < wanted:
        return found(
            None,
            None,
            None,
            f"The loss falls by at most {depth:.3g}, which is not significant (less than {wanted:.3g}).",
        )
    low = float(rates[_first_below(losses, start - _BEGUN * depth)])
    half = float(rates[_first_below(losses, start - _HALF * depth)])
    high = max(float(rates[lowest]) / _SAFETY, half)
    reason = f"The loss falls from {start:.3g} to {losses[lowest]:.3g} at {rates[lowest]:.2g}"
    reason += f" and diverges at {rates[end]:.2g}." if end < len(rates) else "."
    return found(math.sqrt(half * high), low, high, reason)


def smooth(losses: Floats) -> Floats:
    """Smooth losses with a Gaussian window, corrected at the ends; infinite from where they diverge.

    >>> smooth(np.array([1.0, 1.0, np.inf])).tolist()
    [1.0, 1.0, inf]
    """
    # Losses of a diverging network are left out first: the window would carry their size back to earlier steps.
    start = float(np.median(losses[: max(3, len(losses) // 10)]))
    too_large = np.flatnonzero(~(losses <= _CUT_OFF * max(start, 1e-12)))
    finite = np.arange(len(losses)) < (too_large[0] if len(too_large) else len(losses))
    distance = np.arange(len(losses))[:, None] - np.arange(len(losses))[None, :]
    weights = np.exp(-0.5 * (distance / _WINDOW) ** 2) * finite
    mean: Floats = (weights @ np.where(finite, losses, 0.0)) / np.maximum(weights.sum(axis=1), 1e-30)
    return np.where(finite, mean, np.inf)


def _first_below(losses: Floats, limit: float) -> int:
    return int(np.flatnonzero(losses <= limit)[0])


def _sweep(plan: Plan, rates: Floats, *, number: int, check: Callable[[], None]) -> Floats:
    """Train once while the learning rate rises, and return the loss of every step; infinite from where it diverged."""
    seed = derive(plan.recipe.seed, "range", epoch=number) if number else plan.recipe.seed
    recipe = edit(plan.recipe, {"seed": seed, "optim.reference_batch": 0, "train.patience": 0})
    parts = build_parts(dataclasses.replace(plan, recipe=recipe))

    def after(state: State) -> None:
        check()
        state.stop = "enough" if state.step >= len(rates) else ""

    tools = dataclasses.replace(build_tools(parts), rate=lambda step: float(rates[min(step, len(rates) - 1)]))
    job = dataclasses.replace(build_loop(tools, after), epochs=len(rates))
    state = State.before_training(job.device, micro_batch=recipe.train.micro_batch)
    losses = np.full(len(rates), np.inf)
    try:
        for step, moment in zip(itertools.count(), train(job, state), strict=False):
            losses[step] = float(moment.loss)
    except DivergedError:
        pass  # the following losses stay infinite: the test is expected to get here
    return losses
