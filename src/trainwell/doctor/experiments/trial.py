"""One trial: a recipe trained in memory, by the code that `fit` uses, without ever using the test split."""

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
from trainwell.core.contracts.protocols import Batches
from trainwell.core.errors import DivergedError, Interrupted, TrainwellError
from trainwell.core.finding import Finding, Severity
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
_LINEAR_EXAMPLES = 20_000  # at most, for the linear model


@dataclass(frozen=True)
class TrialOutcome:
    """The outcome of a trial.

    Args:
        diverged_at: step of the first NaN or infinite value, -1 if it could not start; None if it did not diverge.
        score: best main score on the validation split, higher is better.
        loss: validation loss of the same epoch.
        epochs: epochs it was trained, its cost.
        score_name: name of the main score.
        examples: size of the validation split.
        findings: what the rules find, causes first.
    """

    diverged_at: int | None
    score: float = math.nan
    loss: float = math.nan
    epochs: int = 0
    score_name: str = ""
    examples: int = 0
    findings: tuple[Finding, ...] = field(default=(), repr=False)

    @property
    def diverged(self) -> bool:
        """Tell whether it has no finite score."""
        return self.diverged_at is not None or not math.isfinite(self.score)

    @property
    def rank(self) -> tuple[bool, float, float]:
        """Sort key, the best highest: diverged trainings are last, the earlier the lower; NaN is never best.

        >>> outcomes = [TrialOutcome(7), TrialOutcome(40), TrialOutcome(None, 0.1, 2.3), TrialOutcome(None)]
        >>> max(outcomes, key=lambda outcome: outcome.rank).score
        0.1
        """
        if self.diverged:
            return False, math.inf if self.diverged_at is None else self.diverged_at, 0.0
        return True, self.score, -self.loss if math.isfinite(self.loss) else -math.inf


def reseeded(plan: Plan, seed: int) -> Plan:
    """Return the plan with another seed: other weights, order and validation split, but the same test split.

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
    drawn = split(dataclasses.replace(plan.examples, given=given), settings, seed=seed)
    splits = dataclasses.replace(drawn, train=labelled(plan.examples, drawn.train, recipe=recipe))
    return Plan(recipe, {}, plan.examples, splits, drawn.train)


def trial(plan: Plan, recipe: Recipe, *, epochs: int) -> TrialOutcome:
    """Train a recipe on a plan's data for some epochs; that it cannot be trained is an outcome as well.

    Args:
        plan: data and splits.
        recipe: what to train.
        epochs: passes over the training split; the schedule is scaled to them.
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
    diverged_at = None
    with threads(plan.recipe.train.threads, per_batch):
        job, _ = build_job(build_tools(parts), cast(Any, memory), interrupt=Interrupt(), display=Silent())
        state = State.before_training(job.device, micro_batch=plan.recipe.train.micro_batch)
        probes = standard_probes(memory, budget=plan.recipe.watch.budget)
        probes.start(job.model, 0)
        moment = None
        try:
            for moment in train(job, state):
                probes.measure(moment)
        except DivergedError:
            diverged_at = state.step
            if moment is not None:
                probes.measure_now(moment)
        finally:
            probes.stop()
    findings = tuple(diagnose(memory.signals, parts.facts))
    return TrialOutcome(
        diverged_at,
        state.validation.best_score,
        state.validation.best_loss,
        epochs=max(1, state.epoch),
        score_name=parts.task.main_score,
        examples=len(plan.splits.validation),
        findings=findings,
    )


def loses_to_linear(plan: Plan, outcome: TrialOutcome) -> Finding | None:
    """Return a finding if a linear model is better on the validation split by two standard errors, else None.

    This catches a run in which no rule finds anything: a network that is worse than a linear model is badly trained,
    whatever the reason. Its repairs are therefore general ones (docs/references.md, T44).
    """
    parts = build_parts(plan)
    train = _arrays(parts.data.train)
    judged = _arrays(parts.data.splits["validation"])
    rows = parts.task.baselines(train, judged)
    if not rows:
        return None
    linear = rows[-1][1].get(outcome.score_name, -math.inf)
    error = math.sqrt(2 * max(linear * (1 - linear), 1 / outcome.examples) / outcome.examples)
    score = -math.inf if outcome.diverged else outcome.score
    if not linear - score > 2 * error:
        return None
    return Finding(
        rule="loses_to_linear",
        severity=Severity.WARNING,
        title="The network is worse than a linear model on the validation split: it is not trained well.",
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
        if sum(map(len, given)) >= _LINEAR_EXAMPLES:
            break
    return torch.cat([batch.inputs for batch in given]).numpy(), torch.cat([batch.targets for batch in given]).numpy()


class MemoryRecorder:
    """A recorder that keeps the signals in memory and writes no file."""

    checkpoints = Path()

    def __init__(self) -> None:
        self.signals = Signals()

    def signal(self, name: str, step: int, *, value: float) -> None:
        """Keep one value."""
        self.signals.add(name, step, value=value)

    def score(self, epoch: int, step: int, *, split: str, scores: Mapping[str, float]) -> None:
        """Keep nothing."""

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def progress(self, steps: int) -> None:
        """Keep nothing."""

    def flush_if_due(self) -> None:
        """Write nothing."""

    def flush(self) -> None:
        """Write nothing."""
