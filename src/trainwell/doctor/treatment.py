"""Find the repairs that help a run: try sets of them, and keep one only if it is significantly better."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, final

from trainwell.core.errors import UsageError
from trainwell.core.files import atomic_write, storage_errors
from trainwell.core.finding import Finding, Severity, in_order
from trainwell.doctor.candidates import RepairSet, RepairStep, apply, better, by_loss, recommended
from trainwell.doctor.diagnose import findings_json
from trainwell.doctor.experiments.trial import TrialOutcome, loses_to_linear, reseeded, trial
from trainwell.fitting import found_again, gather
from trainwell.fitting import plan as plan_of
from trainwell.fitting.catalogues import CUSTOM
from trainwell.fitting.plan import Plan
from trainwell.recipe import Recipe, differences, flatten, to_toml
from trainwell.recipe.sections.setting import Value
from trainwell.runs import Run
from trainwell.runs.names import REPAIRED, STORE

# Fraction of the epochs in the first trials; the best are trained for a third, then for all (successive halving by 3,
# Li et al. 2018).
_FIRST_FRACTION = 1 / 9
_FEWEST_STEPS = 100  # of a trial: shorter ones tell nothing about a learning rate that is too low
_PARENTS = 3  # sets that are tried with one more repair
_LARGEST_SET = 3  # repairs
_SECOND_ROUND = 4  # sets that are trained for a third of the epochs
_FINALISTS = 2  # sets that are trained in full
_RATE_REPAIRS = ("lower_rate", "raise_rate")
_PENALTY_REPAIR = "less_regularisation"
_FURTHER = 4  # further doses of these
_PROMISING = 1.0  # standard errors of the gain above which more seeds are worth their cost
_NEEDED = 1.0  # standard errors of the gain below which a repair is removed again


@dataclass(frozen=True)
class ComparedScores:
    """Validation scores before and after repairs, on the same seeds; NaN where a training diverged.

    Args:
        name: name of the score, higher is better.
        before: of the recipe as it was, one for each seed.
        after: of the repaired recipe.
    """

    name: str
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()


@dataclass(frozen=True)
class TreatmentCost:
    """What a treatment cost.

    Args:
        trials: number of trainings, short ones included.
        runs: the same in full runs: all epochs that were trained, over those of the recipe.
    """

    trials: int = 0
    runs: float = 0.0


@dataclass(frozen=True)
class Treatment:
    """The result of a treatment.

    Args:
        before: the recipe as it was.
        after: the repaired recipe; equal to `before` if nothing helped.
        repairs: names of the repairs that were kept, in their order.
        findings: what the rules find in a training of the recipe as it was.
        scores: the scores that were compared.
        cost: number of trainings.
        path: file of the repaired recipe; None if nothing helped.
    """

    before: Recipe
    after: Recipe
    repairs: tuple[str, ...]
    findings: tuple[Finding, ...]
    scores: ComparedScores
    cost: TreatmentCost = TreatmentCost()
    path: Path | None = None

    @property
    def helped(self) -> bool:
        """Tell whether repairs were found that help."""
        return bool(self.repairs)

    @property
    def changes(self) -> dict[str, tuple[Value, Value]]:
        """The settings that the repairs change, as key: (before, after)."""
        return differences(self.before, self.after)

    def to_json(self) -> dict[str, Any]:
        """Return the treatment as plain data, in the shape `--json` prints."""
        return {
            "helped": self.helped,
            "repairs": list(self.repairs),
            "changes": {key: {"before": old, "after": new} for key, (old, new) in self.changes.items()},
            "score": self.scores.name,
            "before": _spread(self.scores.before),
            "after": _spread(self.scores.after),
            "findings": findings_json(self.findings),
            "trials": self.cost.trials,
            "runs": self.cost.runs,
            "recipe": None if self.path is None else str(self.path),
        }


def treat(
    subject: Run | str | os.PathLike[str],
    *,
    edits: Mapping[str, object] | None = None,
    seeds: int = 5,
    trials: int = 30,
    out: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = lambda sentence: None,
) -> Treatment:
    """Try sets of repairs that the findings of a run recommend, and keep a set that is significantly better.

    Single repairs are tried in short trials, then the best ones with one more repair, because two faults need two. The
    best few sets are trained longer, the best two in full. A set must then be better than no change on new seeds by two
    standard errors; repairs that it does not need are removed. All choices are made on the validation split; the test
    split is never used.

    Args:
        subject: a run (finished, diverged or interrupted) or its folder, a recipe (.toml) or data.
        edits: settings by dotted key that are changed first.
        seeds: number of new seeds for the comparison with no change, at least 2.
        trials: largest number of sets to try; changing the learning rate or penalty of the best further may add twelve.
        out: file for the repaired recipe; None is `repaired.toml` in the run's folder, or beside the recipe.
        say: is told what is being tried, one sentence each.
    Returns:
        the treatment; `.helped` tells whether anything helps.
    Raises:
        UsageError: if the run cannot be reproduced from its recipe, or there is no validation split.

    >>> import tempfile
    >>> faulty = {"nn.initialisation": "zeros", "train.epochs": 5}
    >>> treatment = treat("digits", edits=faulty, seeds=2, trials=3, out=tempfile.mkdtemp() + "/repaired.toml")
    >>> treatment.repairs[0], treatment.changes["nn.initialisation"]
    ('he_initialisation', ('zeros', 'he_normal'))
    """
    if seeds < 2 or trials < 1:
        raise UsageError(f"treat needs at least 2 seeds and 1 trial, got {seeds} and {trials}.")
    plan, path = _understand(subject, edits or {})
    search = _Search(plan, limit=trials, say=say)
    say(f"training {plan.recipe.nn.model} on {plan.recipe.data.source} without changes")
    unchanged = search.train(())
    baseline = loses_to_linear(plan, unchanged)
    findings = unchanged.findings if baseline is None else (*unchanged.findings, baseline)
    sets = search.finalists(findings) if any(finding.remedies for finding in findings) else []
    has_problems = any(finding.severity is not Severity.INFO for finding in findings)
    comparison = _Comparison()
    if sets:
        comparison = search.confirm(sets, seeds=seeds, has_problems=has_problems)
    repaired = apply(plan.recipe, comparison.repairs)
    target = Path(out) if out is not None else path
    if comparison.repairs:
        with storage_errors(f"Writing {target}", target.parent):
            atomic_write(target, to_toml(repaired))
    return Treatment(
        before=plan.recipe,
        after=repaired,
        repairs=tuple(step.repair for step in comparison.repairs),
        findings=in_order(findings),
        scores=ComparedScores(unchanged.score_name, _scores(comparison.before), _scores(comparison.after)),
        cost=TreatmentCost(search.trials, search.epochs / plan.recipe.train.epochs),
        path=target if comparison.repairs else None,
    )


class _Comparison(NamedTuple):
    """A set of repairs that was found to help (empty for none), with the outcomes before and after it."""

    repairs: RepairSet = ()
    before: Sequence[TrialOutcome] = ()
    after: Sequence[TrialOutcome] = ()


class _Candidate(NamedTuple):
    """A set of repairs and the outcome of its longest trial so far."""

    repairs: RepairSet
    outcome: TrialOutcome


@final
class _Search:
    """Trains sets of repairs on one plan and counts what that costs."""

    def __init__(self, plan: Plan, *, limit: int, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._limit = limit
        self._say = say
        self._seen = {plan.recipe}
        self.trials = 0
        self.epochs = 0
        steps = plan.recipe.train.epochs * max(1, len(plan.splits.train) // plan.recipe.train.batch_size)
        self._short = min(1.0, max(_FIRST_FRACTION, _FEWEST_STEPS / steps))

    def train(self, repairs: RepairSet, *, fraction: float = 1.0, seed: int | None = None) -> TrialOutcome:
        """Train with a set of repairs for a fraction of the epochs, with the recipe's own seed or another."""
        recipe = apply(self._plan.recipe, repairs)
        plan = self._plan if seed is None else reseeded(self._plan, seed)
        outcome = trial(plan, recipe, epochs=max(1, round(fraction * recipe.train.epochs)))
        self.trials += 1
        self.epochs += outcome.epochs
        return outcome

    def finalists(self, findings: Sequence[Finding]) -> list[RepairSet]:
        """Return the best sets of repairs, trained in full with the recipe's own seed, best first."""
        tried: list[_Candidate] = []
        parents = [_Candidate((), TrialOutcome(-1))]
        left = self._limit
        for depth in range(1, _LARGEST_SET + 1):
            quota = left if depth == _LARGEST_SET else math.ceil(left / 2)
            children = self._grow(parents, findings, quota=quota)
            best = [
                one.outcome.rank[:2] for one in tried[:1]
            ]  # of the score: a lower loss alone is not worth a further round
            tried = _ranked(tried + children)
            parents = tried[:_PARENTS]
            left = left - len(children)
            if not children or best == [one.outcome.rank[:2] for one in tried[:1]]:
                break
        tried = _ranked(tried[1:] + self._polished(tried[0])) if tried else []
        for fraction, count in ((1 / 3, _SECOND_ROUND), (1.0, _FINALISTS)):
            if fraction > self._short:
                self._say(f"training the best {min(count, len(tried))} for {fraction:.0%} of the epochs")
                best_sets = [one.repairs for one in tried[:count]]
                tried = _ranked([_Candidate(one, self.train(one, fraction=fraction)) for one in best_sets])
        return [one.repairs for one in tried[:_FINALISTS]]

    def confirm(self, sets: Sequence[RepairSet], *, seeds: int, has_problems: bool) -> _Comparison:
        """Return the first set that is better than no change on new seeds.

        Where a rule found a problem, a promising set is worth a second comparison: on as many seeds again, and by the
        loss as well. Where there were only hints, one set is compared once, and a second time only if its loss is
        significantly better: every comparison may be fooled by noise.
        """
        self._say(f"comparing with no change on {seeds} new seeds")
        before = self._repeat((), range(seeds))
        for repairs in sets if has_problems else sets[:1]:
            after = self._repeat(repairs, range(seeds))
            helps = better(after, before[:seeds])
            promising = not helps and better(after, before[:seeds], errors=_PROMISING)
            if promising and (has_problems or better(by_loss(after), by_loss(before[:seeds]))):
                after += self._repeat(repairs, range(seeds, 2 * seeds))
                before += self._repeat((), range(len(before), 2 * seeds))
                promising = better(after, before, errors=_PROMISING)
                helps = better(after, before) or (promising and better(by_loss(after), by_loss(before)))
            if helps:
                compared = before[: len(after)]
                kept, after = self._pruned(repairs, after, before=compared)
                return _Comparison(kept, compared, after)
        return _Comparison((), before, before)

    def _grow(self, parents: Sequence[_Candidate], findings: Sequence[Finding], *, quota: int) -> list[_Candidate]:
        """Try the parents with one more repair each: first those of their own findings, then of the first findings."""
        rows = [[(parent, step) for step in _next_steps(parent, findings)] for parent in parents]
        children: list[_Candidate] = []
        for parent, step in (pair for column in zip_longest(*rows) for pair in column if pair):
            repairs = (*parent.repairs, step)
            recipe = apply(self._plan.recipe, repairs)
            if len(children) < quota and recipe not in self._seen:
                self._seen.add(recipe)
                children.append(_Candidate(repairs, self._try(repairs)))
        return children

    def _polished(self, best: _Candidate) -> list[_Candidate]:
        """Change the learning rate or penalty of a set that changed it further, as long as that helps."""
        moved = {step.repair: replace(step.finding, evidence={}) for step in best.repairs}
        rate = next((moved[repair] for repair in _RATE_REPAIRS if repair in moved), None)
        further = {repair: rate for repair in _RATE_REPAIRS if rate}
        if _PENALTY_REPAIR in moved:
            further[_PENALTY_REPAIR] = moved[_PENALTY_REPAIR]
        candidates = [best]
        for repair, finding in further.items():
            top = max(candidates, key=lambda one: one.outcome.rank)
            for dose in range(1, _FURTHER + 1):
                repairs = (*top.repairs, RepairStep(repair, finding, dose))
                better_one = _Candidate(repairs, self._try(repairs))
                if better_one.outcome.rank <= candidates[-1].outcome.rank:
                    break
                candidates.append(better_one)
        return candidates

    def _try(self, repairs: RepairSet) -> TrialOutcome:
        outcome = self.train(repairs, fraction=self._short)
        ended = "diverged" if outcome.diverged else f"{outcome.score:.4f}"
        self._say(f"{' + '.join(step.repair.replace('_', ' ') for step in repairs)}: {ended}")
        return outcome

    def _repeat(self, repairs: RepairSet, seeds: range) -> list[TrialOutcome]:
        return [self.train(repairs, seed=self._plan.recipe.seed + 1 + number) for number in seeds]

    def _pruned(
        self, repairs: RepairSet, after: list[TrialOutcome], *, before: list[TrialOutcome]
    ) -> tuple[RepairSet, list[TrialOutcome]]:
        """Remove every repair without which the set is as good, within a standard error."""
        for place in range(len(repairs) if len(repairs) > 1 else 0):
            fewer = repairs[:place] + repairs[place + 1 :]
            outcomes = self._repeat(fewer, range(1))
            if outcomes[0].rank < min(outcome.rank for outcome in after):
                continue
            outcomes += self._repeat(fewer, range(1, len(after)))
            if better(outcomes, before) and not better(after, outcomes, errors=_NEEDED):
                return self._pruned(fewer, outcomes, before=before)
        return repairs, after


def _next_steps(parent: _Candidate, findings: Sequence[Finding]) -> list[RepairStep]:
    """Return the repairs to try next; one that is in the set already must be recommended again by a problem.

    Few further repairs are tried, so each comes with its larger doses: another third of a learning rate may change
    little.
    """
    own = [finding for finding in parent.outcome.findings if finding.rule != "stopped_too_soon"]  # short on purpose
    asked = {name for finding in own if finding.severity is not Severity.INFO for name in finding.remedies}
    had = {step.repair for step in parent.repairs} - asked
    steps = [step for step in recommended([*own, *findings]) if step.repair not in had]
    order = list(dict.fromkeys(step.repair for step in steps))
    return sorted(steps, key=lambda step: order.index(step.repair)) if parent.repairs else steps


def _ranked(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda one: one.outcome.rank, reverse=True)


def _understand(subject: Run | str | os.PathLike[str], edits: Mapping[str, object]) -> tuple[Plan, Path]:
    """Return the plan of what is to be repaired, and the file for the repaired recipe."""
    path = subject.path if isinstance(subject, Run) else Path(subject)
    if (path / STORE).exists():
        run = Run.open(path)
        recipe = run.recipe
        if "script" in run.meta or recipe.data.source in ("arrays", "loaders") or recipe.nn.model == CUSTOM:
            raise UsageError(
                f"treat needs a run that its recipe can reproduce, but {path} is that of a script, or its data "
                "or network came from Python. Write the data to a file and choose one of trainwell's networks."
            )
        source = found_again(recipe.data.source, run)
        settings = gather(source, {**dict(flatten(recipe)), **edits, "data.source": source})
        target = path / REPAIRED
    else:
        settings = gather(os.fspath(path), edits)
        beside = path.parent / str(settings.get("data.source", ""))
        if path.suffix == ".toml" and beside.exists() and not Path(str(settings["data.source"])).exists():
            settings["data.source"] = str(beside.resolve())  # a path relative to the recipe
        stem = path.stem if path.suffix == ".toml" or path.is_file() else path.name
        target = (path.parent if path.exists() else Path()) / f"{stem}-{REPAIRED}"
    plan = plan_of(settings)
    if not len(plan.splits.validation):
        raise UsageError("treat needs a validation split, but data.validation is 0. Set it, for example to 0.15.")
    return plan, target


def _spread(scores: Sequence[float]) -> dict[str, Any]:
    """Return mean and standard deviation over the seeds that did not diverge, how many did, and every score."""
    ended = [score for score in scores if math.isfinite(score)]
    return {
        "mean": statistics.fmean(ended) if ended else None,
        "deviation": statistics.stdev(ended) if len(ended) > 1 else None,
        "diverged": len(scores) - len(ended),
        "broke": len(scores) - len(ended),  # the former name, for one release
        "scores": [score if math.isfinite(score) else None for score in scores],
    }


def _scores(outcomes: Sequence[TrialOutcome]) -> tuple[float, ...]:
    return tuple(math.nan if outcome.diverged else outcome.score for outcome in outcomes)
