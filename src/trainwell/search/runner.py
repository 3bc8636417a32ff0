"""How to train the configurations of a search: many as one program, or one at a time. Measured, chosen and said."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from torch import nn

from trainwell.core.errors import UsageError
from trainwell.population.compatibility import Member, make_member, why_alone
from trainwell.population.folds import Ground
from trainwell.population.population import WIDTH, Population, good_width
from trainwell.population.sequential import Outcome, Sequential, Single
from trainwell.recipe import Recipe, edit
from trainwell.train import choose_device

ENGINES = ("auto", "population", "sequential")
Check = Callable[[], None]
_FEWEST = 4  # fewer members than this do not pay for the cost of mapping
_WORTH = 1.3  # times as fast it must be
# Seconds; a longer step is arithmetic. Convolutions side by side gain all the same (measured: LeNet-5 2 times); mapped
# networks and matrix products do not (0.6 to 1.2 times).
_LONG = 5e-3
_LARGE = 1 << 30  # bytes; beyond it, examples become numbers batch by batch, which a population does not do
_WARM, _TIMED = 3, 12
_PATIENCE = 0.5  # seconds of measuring, after which fewer steps must do


class Runner(Protocol):
    """Trains some configurations in portions."""

    def train(self, share: float, check: Check = ...) -> None:
        """Train each until a share of its epochs is done."""

    def outcomes(self) -> list[list[Outcome]]:
        """Return for each configuration the outcome on each fold."""

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with these only."""


@dataclass(frozen=True)
class Decision:
    """Which engine trains, and why.

    Args:
        engine: "population" or "sequential".
        why: one sentence.
        width: members that train together.
        seconds: estimate of the time one configuration takes, over all its epochs and folds; 0 if not measured.
    """

    engine: str
    why: str
    width: int = 1
    seconds: float = 0.0


def decide(recipe: Recipe, ground: Ground, *, trials: int, wanted: str = "auto") -> Decision:
    """Choose the engine by what the configurations need and by a measurement of a few steps.

    Args:
        recipe: one of the configurations.
        ground: the data.
        trials: how many configurations there will be.
        wanted: "auto" chooses; a name of an engine is taken if it is possible.
    Raises:
        UsageError: if the wanted engine is unknown, or a population is wanted and impossible.
    """
    if wanted not in ENGINES:
        raise UsageError(f"--engine must be one of {', '.join(ENGINES)}, got {wanted!r}.")
    if wanted == "sequential":
        return Decision("sequential", "one network at a time, as asked")
    device = choose_device(recipe.train.device).type
    reason = f"populations compute on the processor, and train.device is {device}" if device != "cpu" else ""
    reason = reason or why_alone(recipe) or _too_large(recipe, ground) or _unmappable(recipe, ground)
    if reason:
        if wanted == "population":
            raise UsageError(f"These networks cannot train together: {reason}. Use --engine auto.")
        return Decision("sequential", f"one network at a time: {reason}")
    if wanted == "population":
        width = good_width(make_member(recipe, ground, 0), ground.fold(recipe, 0).input_shape) or WIDTH
        return Decision("population", f"{width} networks at once in one program, as asked", width)
    if trials * ground.folds < _FEWEST:
        return Decision("sequential", f"one network at a time: fewer than {_FEWEST} to train")
    return _measured(recipe, ground)


def _measured(recipe: Recipe, ground: Ground) -> Decision:
    # A tiny rate costs the same time and cannot diverge on the way.
    calm = edit(recipe, {"train.epochs": max(recipe.train.epochs, _WARM + _TIMED), "optim.learning_rate": 1e-9})
    single = Single(calm, ground)
    alone = _seconds(lambda check: single.train(calm.train.epochs, check))
    steps = len(ground.parts(calm, 0).train) * recipe.train.epochs * ground.folds
    member = make_member(calm, ground, 0)
    width = good_width(member, ground.fold(calm, 0).input_shape)
    if alone > _LONG and not (width and any(isinstance(part, nn.Conv2d) for part in member.model.modules())):
        return Decision(
            "sequential",
            f"one network at a time: a step takes {alone * 1e3:.1f} ms, nearly all of it arithmetic that training "
            "together would not save",
            seconds=alone * steps,
        )
    width = width or (WIDTH if alone < 1e-3 else WIDTH // 8)
    population = Population([member] * width, ground, width=width)
    together = _seconds(lambda check: population.train(1.0, check)) / width
    gain = alone / together
    measured = f"a step takes {together * 1e6:,.0f} µs per network together, {alone * 1e6:,.0f} µs alone"
    if gain < _WORTH:
        return Decision(
            "sequential", f"one network at a time: {measured} ({gain:.1f}x, not worth it)", seconds=alone * steps
        )
    return Decision(
        "population", f"{width} networks at once in one program: {measured} ({gain:.1f}x)", width, together * steps
    )


class _Enough(Exception):
    """Enough steps were timed."""


def _seconds(train: Callable[[Check], None]) -> float:
    """Return the seconds of a step of a training that calls `check` at each: the first quartile, on the thread's clock.

    What others do to the processor and its caches meanwhile makes steps longer, never shorter, and must not decide.
    """
    times: list[float] = []

    def check() -> None:
        times.append(time.thread_time())
        if len(times) > _WARM + _TIMED or (len(times) > 2 * _WARM and times[-1] - times[0] > _PATIENCE):
            raise _Enough

    try:
        train(check)
    except _Enough:
        pass
    gaps = [after - before for before, after in zip(times[_WARM:], times[_WARM + 1 :], strict=False)]
    return sorted(gaps)[len(gaps) // 4] if gaps else 0.0


def _too_large(recipe: Recipe, ground: Ground) -> str:
    """Say that the inputs do not fit into memory as numbers; empty if they do."""
    size = 4 * len(ground.plan.examples) * math.prod(ground.parts(recipe, 0).facts.input_shape)
    return f"the inputs take {size / 1e9:.1f} GB as numbers" if size > _LARGE else ""


def _unmappable(recipe: Recipe, ground: Ground) -> str:
    """Say why torch cannot map this network over members; empty if it can. One step is tried."""
    member = make_member(recipe, ground, 0)
    for module in member.model.modules():
        if isinstance(module, (nn.LSTM, nn.GRU)):
            return f"torch has no rule to train several nn.{type(module).__name__} layers as one (pytorch #105982)"
    population = Population([member, member], ground, width=2)
    try:
        _seconds(lambda check: population.train(1.0, _after_one(check)))
    except RuntimeError as problem:
        return f"torch cannot map the network over members ({' '.join(str(problem).split())[:120]})"
    return ""


def _after_one(check: Check) -> Check:
    calls = 0

    def once() -> None:
        nonlocal calls
        check()
        calls += 1
        if calls > 1:
            raise _Enough

    return once


@final
class Crew:
    """Some configurations in training: those that can share a program do, the others take turns.

    Args:
        recipes: the configurations.
        ground: the data.
        decision: which engine.
    """

    def __init__(self, recipes: Sequence[Recipe], ground: Ground, decision: Decision) -> None:
        self._folds = ground.folds
        groups: dict[Hashable, list[int]] = {}
        members: dict[int, list[Member]] = {}
        for number, recipe in enumerate(recipes):
            key: Hashable = None
            if decision.engine == "population" and not why_alone(recipe):
                members[number] = [make_member(recipe, ground, fold) for fold in range(ground.folds)]
                key = members[number][0].key
            groups.setdefault(key, []).append(number)
        alone = groups.pop(None, [])
        self._populations: list[tuple[Population, list[int]]] = []
        for numbers in groups.values():
            if len(numbers) * ground.folds < _FEWEST:
                alone += numbers
            else:
                chosen = [member for number in numbers for member in members[number]]
                self._populations.append((Population(chosen, ground, width=decision.width), numbers))
        self._alone = sorted(alone)
        self._sequential = Sequential([recipes[number] for number in self._alone], ground)

    def train(self, share: float, check: Check = lambda: None) -> None:
        """Train each until a share of its epochs is done."""
        for population, _ in self._populations:
            population.train(share, check)
        self._sequential.train(share, check)

    def outcomes(self) -> list[list[Outcome]]:
        """Return for each configuration the outcome on each fold."""
        found = dict(zip(self._alone, self._sequential.outcomes(), strict=True))
        for population, numbers in self._populations:
            outcomes = population.outcomes()
            for place, number in enumerate(numbers):
                found[number] = outcomes[place * self._folds : (place + 1) * self._folds]
        return [found[number] for number in sorted(found)]

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with these only, in this order."""
        new = {old: number for number, old in enumerate(positions)}
        populations = []
        for population, numbers in self._populations:
            places = [place for place, number in enumerate(numbers) if number in new]
            if places:
                population.keep([place * self._folds + fold for place in places for fold in range(self._folds)])
                populations.append((population, [new[numbers[place]] for place in places]))
        self._populations = populations
        places = [place for place, number in enumerate(self._alone) if number in new]
        self._sequential.keep(places)
        self._alone = [new[self._alone[place]] for place in places]
