"""One trial: a recipe trained in memory, on the same path as `fit`, that never sees the sealed test split."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from trainwell.core.batch import Batch
from trainwell.core.errors import DivergedError, Interrupted, TrainwellError
from trainwell.core.finding import Finding, Severity
from trainwell.core.protocols import Batches
from trainwell.core.signals import Signals
from trainwell.data import split
from trainwell.data.examples import TEST
from trainwell.fitting.build import build_parts
from trainwell.fitting.fit import Silent
from trainwell.fitting.job import build_job, build_tools
from trainwell.fitting.plan import Plan
from trainwell.fitting.pretrain import labelled
from trainwell.fitting.record import network_table
from trainwell.probes import standard_probes
from trainwell.recipe import Recipe, edit
from trainwell.rules import diagnose
from trainwell.train import Interrupt, State, threads, train

_NEVER = 1e12  # seconds between checkpoints
_ENOUGH = 20_000  # examples for a linear model


@dataclass(frozen=True)
class TrialOutcome:
    """How a trial ended.

    Args:
        broke_at: step at which its numbers stopped being finite, -1 if it could not start; None if it ended well.
        score: best main score on the validation split, higher is better.
        loss: validation loss that went with it.
        epochs: epochs it trained, the trial's cost.
        score_name: name of the main score.
        examples: size of the validation split.
        findings: what the rules say of it, causes first.
    """

    broke_at: int | None
    score: float = math.nan
    loss: float = math.nan
    epochs: int = 0
    score_name: str = ""
    examples: int = 0
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    @property
    def broke(self) -> bool:
        """Tell whether it ended without a finite score."""
        return self.broke_at is not None or not math.isfinite(self.score)

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Sort key, the best highest: diverged trainings are last, the earlier the lower; NaN is never best.

        >>> outcomes = [TrialOutcome(7), TrialOutcome(40), TrialOutcome(None, 0.1, 2.3), TrialOutcome(None)]
        >>> max(outcomes, key=lambda outcome: outcome.rank).score
        0.1
        """
        if self.broke:
            return False, math.inf if self.broke_at is None else self.broke_at, 0.0
        return True, self.score, -self.loss if math.isfinite(self.loss) else -math.inf


def reseeded(plan: Plan, seed: int) -> Plan:
    """Return the plan with another seed: other weights, order and validation split, but the same sealed test split.

    >>> from trainwell.fitting import gather
    >>> from trainwell.fitting import plan as plan_of
    >>> one = plan_of(gather("iris", {}))
    >>> other = reseeded(one, 7)
    >>> (one.splits.test == other.splits.test).all(), (one.splits.validation[:5] == other.splits.validation[:5]).all()
    (np.True_, np.False_)
    """
    recipe = edit(plan.recipe, {"seed": seed})
    if seed == plan.recipe.seed:
        return plan
    given = np.zeros(len(plan.examples), np.int8) if plan.examples.given is None else plan.examples.given.copy()
    given[plan.splits.test] = TEST
    settings = recipe.data if len(plan.splits.test) else dataclasses.replace(recipe.data, test=0.0)
    drawn = split(dataclasses.replace(plan.examples, given=given), settings, seed)
    splits = dataclasses.replace(drawn, train=labelled(plan.examples, drawn.train, recipe))
    return Plan(recipe, {}, plan.examples, splits, drawn.train)


def trial(plan: Plan, recipe: Recipe, *, epochs: int) -> TrialOutcome:
    """Train a recipe on a plan's data for some epochs; a recipe that cannot train is an outcome too.

    Args:
        plan: data and splits.
        recipe: what to train.
        epochs: passes over the training split; the schedule is stretched over them.
    """
    short = edit(recipe, {"train.epochs": epochs, "train.checkpoint_seconds": _NEVER, "seed": plan.recipe.seed})
    try:
        return _train(dataclasses.replace(plan, recipe=short))
    except Interrupted:
        raise
    except TrainwellError:
        return TrialOutcome(-1)


def _train(plan: Plan) -> TrialOutcome:
    parts = build_parts(plan)
    memory = MemoryRecorder()
    per_batch = sum(layer.multiply_adds for layer in network_table(parts)) * plan.recipe.train.batch_size
    broke_at = None
    with threads(plan.recipe.train.threads, per_batch):
        job, _ = build_job(build_tools(parts), cast(Any, memory), interrupt=Interrupt(), display=Silent())
        state = State(micro_batch=plan.recipe.train.micro_batch, loss_sum=torch.zeros((), device=job.device))
        probes = standard_probes(memory, budget=plan.recipe.watch.budget)
        probes.start(job.model, 0)
        moment = None
        try:
            for moment in train(job, state):
                probes.measure(moment)
        except DivergedError:
            broke_at = state.step
            if moment is not None:
                probes.measure_now(moment)
        finally:
            probes.stop()
    findings = tuple(diagnose(memory.signals, parts.facts))
    return TrialOutcome(
        broke_at,
        state.best_score,
        state.best_loss,
        epochs=max(1, state.epoch),
        score_name=parts.task.main_score,
        examples=len(plan.splits.validation),
        findings=findings,
    )


def loses_to_linear(plan: Plan, outcome: TrialOutcome) -> Finding | None:
    """Say so if a linear model, fitted in a blink, does better on the validation split by two standard errors.

    The yardstick for a run that no rule complains of: a network that loses to a straight line has not been trained
    well, whatever the reason (diagnosis A2). Its remedies are therefore the general ones.
    """
    parts = build_parts(plan)
    train, judged = _arrays(parts.train), _arrays(parts.splits["validation"])
    rows = parts.task.baselines(train, judged)
    if not rows:
        return None
    linear = rows[-1][1].get(outcome.score_name, -math.inf)
    error = math.sqrt(2 * max(linear * (1 - linear), 1 / outcome.examples) / outcome.examples)
    score = -math.inf if outcome.broke else outcome.score
    if not linear - score > 2 * error:
        return None
    return Finding(
        rule="loses_to_linear",
        severity=Severity.WARNING,
        title="A linear model does better on the validation split: the network has not been trained well.",
        evidence={"score": max(score, -1e9), "score_limit": linear - 2 * error, "linear_score": linear},
        remedies=(
            *("raise_rate", "lower_rate", "relu_activation", "he_initialisation", "standardise_inputs"),
            *("fewer_layers", "less_regularisation", "larger_network"),
        ),
    )


def _arrays(batches: Batches) -> tuple[NDArray[Any], NDArray[Any]]:
    given: list[Batch] = []
    for batch in batches.epoch(0):
        given.append(batch)
        if sum(map(len, given)) >= _ENOUGH:
            break
    return torch.cat([batch.inputs for batch in given]).numpy(), torch.cat([batch.targets for batch in given]).numpy()


class MemoryRecorder:
    """A recorder that keeps the signals and writes nothing."""

    checkpoints = Path()

    def __init__(self) -> None:
        self.signals = Signals()

    def signal(self, name: str, step: int, value: float) -> None:
        """Keep one value."""
        self.signals.add(name, step, value)

    def score(self, epoch: int, step: int, split: str, scores: Mapping[str, float]) -> None:
        """Keep nothing."""

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def progress(self, steps: int) -> None:
        """Keep nothing."""

    def flush_if_due(self) -> None:
        """Write nothing."""

    def flush(self) -> None:
        """Write nothing."""
