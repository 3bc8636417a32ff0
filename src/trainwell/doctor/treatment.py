"""Which edits of the recipe cure a run: tried, and kept only if better beyond noise."""

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
from trainwell.core.finding import Finding, Severity
from trainwell.doctor.candidates import RepairSet, RepairStep, apply, better, by_loss, remedies
from trainwell.doctor.diagnose import findings_json
from trainwell.doctor.experiments.trial import TrialOutcome, loses_to_linear, reseeded, trial
from trainwell.fitting import found_again, gather
from trainwell.fitting import plan as plan_of
from trainwell.fitting.plan import CUSTOM, Plan
from trainwell.recipe import Recipe, differences, flatten, to_toml
from trainwell.recipe.sections.setting import Value
from trainwell.runs import Run
from trainwell.runs.names import REPAIRED, STORE

_SHARE = (
    1 / 9
)  # of the epochs in the first trials; the best go on to a third, then to all (halving by 3, Li et al. 2018)
_SHORTEST = 100  # steps: shorter trials say nothing about a rate that is too low
_PARENTS = 3  # sets that are tried with one more edit
_DEEPEST = 3  # edits in a set
_THIRD_ROUND, _FINALISTS = 4, 2
_RATE, _PENALTY, _FURTHER = ("lower_rate", "raise_rate"), "less_regularisation", 4
_PROMISING = _NEEDED = 1.0  # standard errors of a gain: worth more seeds; an edit is given back below


@dataclass(frozen=True)
class Treatment:
    """What treating came to.

    Args:
        before: the recipe as it was.
        after: the cured recipe; equal to `before` if nothing helped.
        repairs: names of the repairs that were kept, in their order.
        findings: what the rules said of the recipe as it was.
        score: name of the score that decides, higher is better.
        scores_before: validation scores of the recipe as it was, one for each seed; NaN where it broke.
        scores_after: those of the cured recipe on the same seeds.
        trials: trainings that were begun, short ones included.
        runs: epochs that were trained in all, over the recipe's epochs: the cost in whole runs.
        path: where the cured recipe was written; None if nothing helped.
    """

    before: Recipe
    after: Recipe
    repairs: tuple[str, ...]
    findings: tuple[Finding, ...]
    score: str
    scores_before: tuple[float, ...] = ()
    scores_after: tuple[float, ...] = ()
    trials: int = 0
    runs: float = 0.0
    path: Path | None = None

    @property
    def helped(self) -> bool:
        """Tell whether a cure was found."""
        return bool(self.repairs)

    @property
    def changes(self) -> dict[str, tuple[Value, Value]]:
        """The settings the cure changes, as key: (before, after)."""
        return differences(self.before, self.after)

    def to_json(self) -> dict[str, Any]:
        """Return the treatment as plain data, in the shape `--json` prints."""
        return {
            "helped": self.helped,
            "repairs": list(self.repairs),
            "changes": {key: {"before": old, "after": new} for key, (old, new) in self.changes.items()},
            "score": self.score,
            "before": _spread(self.scores_before),
            "after": _spread(self.scores_after),
            "findings": findings_json(self.findings),
            "trials": self.trials,
            "runs": self.runs,
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
    """Try sets of edits of a recipe that its findings recommend, and keep what is better beyond noise.

    Single edits are tried in short trials, then the best ones with one more edit, because two faults at once need
    two. The best few are trained longer, the last two in full; a cure must then beat no change on fresh seeds by
    two standard errors, and gives back every edit it does not need. All choices are made on the validation split;
    the sealed test split is never looked at.

    Args:
        subject: a run (finished, diverged or interrupted) or its folder, a recipe (.toml) or data.
        edits: settings by dotted key that are changed beforehand.
        seeds: fresh seeds on which a cure is compared with no change, at least 2.
        trials: sets of edits tried at most; moving the rate or penalty of the best one further may add twelve.
        out: where the cured recipe is written; None is `cured.toml` in the run's folder, or one beside the recipe.
        say: told in one sentence what is being tried.
    Returns:
        the treatment; `.helped` says whether there is a cure.
    Raises:
        UsageError: if the run cannot be repeated from its recipe, or there is nothing to choose on.

    >>> import tempfile
    >>> sick = {"nn.initialisation": "zeros", "train.epochs": 5}
    >>> treatment = treat("digits", edits=sick, seeds=2, trials=3, out=tempfile.mkdtemp() + "/cured.toml")
    >>> treatment.repairs[0], treatment.changes["nn.initialisation"]
    ('he_initialisation', ('zeros', 'he_normal'))
    """
    if seeds < 2 or trials < 1:
        raise UsageError(f"treat needs at least 2 seeds and 1 trial, got {seeds} and {trials}.")
    plan, path = _understand(subject, edits or {})
    search = _Search(plan, limit=trials, say=say)
    say(f"training {plan.recipe.nn.model} on {plan.recipe.data.source} as it is")
    sick = search.train(())
    yardstick = loses_to_linear(plan, sick)
    findings = sick.findings if yardstick is None else (*sick.findings, yardstick)
    cures = search.finalists(findings) if any(finding.remedies for finding in findings) else []
    verdict = any(finding.severity is not Severity.INFO for finding in findings)
    cure, before, after = search.confirm(cures, seeds=seeds, verdict=verdict) if cures else ((), [], [])
    cured = apply(plan.recipe, cure)
    target = Path(out) if out is not None else path
    if cure:
        with storage_errors(f"Writing {target}", target.parent):
            atomic_write(target, to_toml(cured))
    return Treatment(
        before=plan.recipe,
        after=cured,
        repairs=tuple(step.repair for step in cure),
        findings=findings,
        score=sick.score_name,
        scores_before=_scores(before),
        scores_after=_scores(after),
        trials=search.trials,
        runs=search.epochs / plan.recipe.train.epochs,
        path=target if cure else None,
    )


class _Candidate(NamedTuple):
    """A set of edits and how its longest trial so far ended."""

    cure: RepairSet
    outcome: TrialOutcome


@final
class _Search:
    """Trains sets of edits on one plan and counts what that costs."""

    def __init__(self, plan: Plan, *, limit: int, say: Callable[[str], None]) -> None:
        self._plan, self._limit, self._say = plan, limit, say
        self._seen = {plan.recipe}
        self.trials, self.epochs = 0, 0
        steps = plan.recipe.train.epochs * max(1, len(plan.splits.train) // plan.recipe.train.batch_size)
        self._short = min(1.0, max(_SHARE, _SHORTEST / steps))

    def train(self, cure: RepairSet, *, share: float = 1.0, seed: int | None = None) -> TrialOutcome:
        """Train a set of edits for a share of its epochs, on the recipe's own seed or another."""
        recipe = apply(self._plan.recipe, cure)
        plan = self._plan if seed is None else reseeded(self._plan, seed)
        outcome = trial(plan, recipe, epochs=max(1, round(share * recipe.train.epochs)))
        self.trials += 1
        self.epochs += outcome.epochs
        return outcome

    def finalists(self, findings: Sequence[Finding]) -> list[RepairSet]:
        """Return the best sets of edits, trained in full on the recipe's own seed, best first."""
        tried: list[_Candidate] = []
        parents = [_Candidate((), TrialOutcome(-1))]
        left = self._limit
        for depth in range(1, _DEEPEST + 1):
            quota = left if depth == _DEEPEST else math.ceil(left / 2)
            children = self._grow(parents, findings, quota)
            best = [one.outcome.rank[:2] for one in tried[:1]]  # a loss alone that falls is not worth a further round
            tried = _ranked(tried + children)
            parents, left = tried[:_PARENTS], left - len(children)
            if not children or best == [one.outcome.rank[:2] for one in tried[:1]]:
                break
        tried = _ranked(tried[1:] + self._polished(tried[0])) if tried else []
        for share, count in ((1 / 3, _THIRD_ROUND), (1.0, _FINALISTS)):
            if share > self._short:
                self._say(f"training the best {min(count, len(tried))} for {share:.0%} of the epochs")
                tried = _ranked([_Candidate(one.cure, self.train(one.cure, share=share)) for one in tried[:count]])
        return [one.cure for one in tried[:_FINALISTS]]

    def confirm(
        self, cures: Sequence[RepairSet], *, seeds: int, verdict: bool
    ) -> tuple[RepairSet, Sequence[TrialOutcome], Sequence[TrialOutcome]]:
        """Return the first cure that beats no change on fresh seeds, and the outcomes before and after.

        Where a rule gave a verdict, something is wrong, and a promising cure is worth a second look: as many seeds
        again, and the loss. Where there were only hints, one cure gets one look, and a second only if the loss is
        surely better at the first: each look may be fooled by noise.
        """
        self._say(f"comparing with no change on {seeds} fresh seeds")
        before = self._repeat((), range(seeds))
        for cure in cures if verdict else cures[:1]:
            after = self._repeat(cure, range(seeds))
            helps = better(after, before[:seeds])
            promising = not helps and better(after, before[:seeds], errors=_PROMISING)
            if promising and (verdict or better(by_loss(after), by_loss(before[:seeds]))):
                after += self._repeat(cure, range(seeds, 2 * seeds))
                before += self._repeat((), range(len(before), 2 * seeds))
                promising = better(after, before, errors=_PROMISING)
                helps = better(after, before) or (promising and better(by_loss(after), by_loss(before)))
            if helps:
                compared = before[: len(after)]
                kept, after = self._pruned(cure, after, compared)
                return kept, compared, after
        return (), before, before

    def _grow(self, parents: Sequence[_Candidate], findings: Sequence[Finding], quota: int) -> list[_Candidate]:
        """Try the parents with one more edit each: what their own findings recommend, then the first findings."""
        rows = [[(parent, step) for step in _next_steps(parent, findings)] for parent in parents]
        children: list[_Candidate] = []
        for parent, step in (pair for column in zip_longest(*rows) for pair in column if pair):
            cure = (*parent.cure, step)
            recipe = apply(self._plan.recipe, cure)
            if len(children) < quota and recipe not in self._seen:
                self._seen.add(recipe)
                children.append(_Candidate(cure, self._try(cure)))
        return children

    def _polished(self, best: _Candidate) -> list[_Candidate]:
        """Move the rate or penalty of a cure that moved it further while that helps: it rarely lands right at once."""
        moved = {step.repair: replace(step.finding, evidence={}) for step in best.cure}
        rate = next((moved[repair] for repair in _RATE if repair in moved), None)
        further = {repair: rate for repair in _RATE if rate}
        if _PENALTY in moved:
            further[_PENALTY] = moved[_PENALTY]
        candidates = [best]
        for repair, finding in further.items():
            top = max(candidates, key=lambda one: one.outcome.rank)
            for dose in range(1, _FURTHER + 1):
                cure = (*top.cure, RepairStep(repair, finding, dose))
                better_one = _Candidate(cure, self._try(cure))
                if better_one.outcome.rank <= candidates[-1].outcome.rank:
                    break
                candidates.append(better_one)
        return candidates

    def _try(self, cure: RepairSet) -> TrialOutcome:
        outcome = self.train(cure, share=self._short)
        ended = "broke" if outcome.broke else f"{outcome.score:.4f}"
        self._say(f"{' + '.join(step.repair.replace('_', ' ') for step in cure)}: {ended}")
        return outcome

    def _repeat(self, cure: RepairSet, seeds: range) -> list[TrialOutcome]:
        return [self.train(cure, seed=self._plan.recipe.seed + 1 + number) for number in seeds]

    def _pruned(
        self, cure: RepairSet, after: list[TrialOutcome], before: list[TrialOutcome]
    ) -> tuple[RepairSet, list[TrialOutcome]]:
        """Give back every edit that the others can do without, within a standard error."""
        for place in range(len(cure) if len(cure) > 1 else 0):
            fewer = cure[:place] + cure[place + 1 :]
            outcomes = self._repeat(fewer, range(1))
            if outcomes[0].rank < min(outcome.rank for outcome in after):
                continue
            outcomes += self._repeat(fewer, range(1, len(after)))
            if better(outcomes, before) and not better(after, outcomes, errors=_NEEDED):
                return self._pruned(fewer, outcomes, before)
        return cure, after


def _next_steps(parent: _Candidate, findings: Sequence[Finding]) -> list[RepairStep]:
    """Return the edits to try next; one that is in the set already must be asked for again by a verdict.

    A set is given few further edits, so each comes with its doses: one third more of a rate may show nothing.
    """
    own = [finding for finding in parent.outcome.findings if finding.rule != "stopped_too_soon"]  # short on purpose
    asked = {name for finding in own if finding.severity is not Severity.INFO for name in finding.remedies}
    had = {step.repair for step in parent.cure} - asked
    steps = [step for step in remedies([*own, *findings]) if step.repair not in had]
    order = list(dict.fromkeys(step.repair for step in steps))
    return sorted(steps, key=lambda step: order.index(step.repair)) if parent.cure else steps


def _ranked(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    return sorted(candidates, key=lambda one: one.outcome.rank, reverse=True)


def _understand(subject: Run | str | os.PathLike[str], edits: Mapping[str, object]) -> tuple[Plan, Path]:
    """Return the plan of what is to be treated, and where its cure is written."""
    path = subject.path if isinstance(subject, Run) else Path(subject)
    if (path / STORE).exists():
        run = Run.open(path)
        recipe = run.recipe
        if "script" in run.meta or recipe.data.source in ("arrays", "loaders") or recipe.nn.model == CUSTOM:
            raise UsageError(
                f"treat needs a run that its recipe alone can repeat, but {path} is that of a script, or was given its "
                "data or its network from Python. Write the data to a file and choose one of trainwell's networks."
            )
        source = found_again(recipe.data.source, run)
        settings = gather(source, {**dict(flatten(recipe)), **edits, "data.source": source})
        target = path / REPAIRED
    else:
        settings = gather(os.fspath(path), edits)
        beside = path.parent / str(settings.get("data.source", ""))
        if path.suffix == ".toml" and beside.exists() and not Path(str(settings["data.source"])).exists():
            settings["data.source"] = str(beside.resolve())  # the recipe was written where its data lie
        stem = path.stem if path.suffix == ".toml" or path.is_file() else path.name
        target = (path.parent if path.exists() else Path()) / f"{stem}-{REPAIRED}"
    plan = plan_of(settings)
    if not len(plan.splits.validation):
        raise UsageError("treat chooses by the validation split, but data.validation is 0. Hold out a part, e.g. 0.15.")
    return plan, target


def _spread(scores: Sequence[float]) -> dict[str, Any]:
    """Return mean and deviation of the seeds that ended well, how many broke, and every score."""
    ended = [score for score in scores if math.isfinite(score)]
    return {
        "mean": statistics.fmean(ended) if ended else None,
        "deviation": statistics.stdev(ended) if len(ended) > 1 else None,
        "broke": len(scores) - len(ended),
        "scores": [score if math.isfinite(score) else None for score in scores],
    }


def _scores(outcomes: Sequence[TrialOutcome]) -> tuple[float, ...]:
    return tuple(math.nan if outcome.broke else outcome.score for outcome in outcomes)
