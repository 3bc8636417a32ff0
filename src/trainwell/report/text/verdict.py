"""A run in one sentence: how good it is beside simple methods, and whether something is wrong."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

from trainwell.core.finding import Severity, problems
from trainwell.report.text.baselines import Baselines, baselines
from trainwell.report.text.repairs import repair_texts
from trainwell.report.text.words import (
    capitalised,
    duration,
    examples,
    number,
    percent,
    plural,
    printable,
    score_text,
    words,
)
from trainwell.runs import Snapshot
from trainwell.runs.names import RECIPE

_FROM_PYTHON = ("arrays", "loaders", "custom")


@dataclass(frozen=True)
class Verdict:
    """The first lines of a report.

    Args:
        tone: "good", "warning", "bad" or "plain" (no result yet).
        headline: network and data.
        sentence: the result, the simple methods beside it, and the problems.
        notes: what limits the result, one sentence each.
    """

    tone: str
    headline: str
    sentence: str
    notes: tuple[str, ...] = ()


def verdict(snapshot: Snapshot) -> Verdict:
    """Summarise a run in a few sentences.

    >>> from pathlib import Path
    >>> from trainwell.runs import Run
    >>> verdict(Snapshot(Run(Path("runs/a"), "failed", meta={"reason": "The loss became NaN.", "steps": 7}))).sentence
    'The run failed after 7 steps: The loss became NaN. No rule found the cause.'
    """
    parts = [_course(snapshot), _result(snapshot), _problems(snapshot)]
    return Verdict(_tone(snapshot), headline(snapshot), " ".join(filter(None, parts)), _notes(snapshot))


def headline(snapshot: Snapshot) -> str:
    """Name the network and the data."""
    model = snapshot.event("network").get("model") or snapshot.run.facts.model or snapshot.setting("nn.model")
    source = snapshot.event("data").get("source") or snapshot.run.facts.source or snapshot.setting("data.source")
    if model and source:
        return f"{printable(model)} on {printable(source).rstrip('/').rsplit('/', 1)[-1]}"
    return printable(snapshot.run.meta.get("script") or snapshot.run.name)


def progress(snapshot: Snapshot) -> str:
    """Say how far a run has trained: "3 of 20 epochs, 340 steps"."""
    epochs = len(snapshot.signals["loss/train_epoch"])
    planned = snapshot.epochs
    steps = plural(snapshot.steps, "step")
    if not epochs:
        return steps
    return f"{f'{epochs:,} of ' if planned else ''}{plural(planned or epochs, 'epoch')}, {steps}"


def _course(snapshot: Snapshot) -> str:
    reason = _reason(snapshot)[0]
    why = f": {reason.rstrip('.')}." if reason else "."
    match snapshot.run.status:
        case "failed":
            return f"The run failed after {progress(snapshot)}{why}"
        case "interrupted":
            return f"The run was interrupted after {progress(snapshot)}{why}"
        case "killed":
            return f"The training process was killed after {progress(snapshot)}."
        case "running":
            return f"Still training: {progress(snapshot)} so far."
    return ""


def _reason(snapshot: Snapshot) -> tuple[str, str]:
    """Split the reason of an end into its first sentence and the advice that follows it."""
    first, stop, rest = printable(snapshot.run.reason).strip().partition(". ")
    return first + stop.strip(), rest


def _result(snapshot: Snapshot) -> str:
    score = snapshot.main_score
    kind = examples(snapshot.kind)
    for split, held_out in (("test", "held-out test"), ("validation", "validation")):
        value = snapshot.run.scores.get(split, {}).get(score)
        if value is None:
            continue
        count = snapshot.sizes.get(split)
        which = f"{f'{count:,} ' if count else ''}{held_out} {kind}"
        compared = _compared(baselines(snapshot)) if split == "test" else ""
        return f"{capitalised(words(score))} on the {which} is {score_text(score, value)}{compared}."
    return _losses(snapshot)


def _compared(found: Baselines | None) -> str:
    if not found:
        return ""
    weakest_first = found.simple[::-1]
    texts = [f"{method.name}: {score_text(found.score, method.value)}" for method in weakest_first]
    return f" ({', '.join(texts)})"


def _losses(snapshot: Snapshot) -> str:
    series = snapshot.signals["loss/train"]
    chance = snapshot.chance_loss
    if len(series) < 2 or (snapshot.run.status == "failed" and snapshot.run.reason):
        return ""
    if (bad := next((step for step, value in series if not math.isfinite(value)), None)) is not None:
        return f"The training loss began at {number(series.first)} and became NaN or infinite at step {number(bad)}."
    beside = f"; chance level is {number(chance)}" if chance is not None else ""
    return f"The training loss went from {number(series.first)} to {number(series.last)}{beside}."


def _problems(snapshot: Snapshot) -> str:
    found = problems(snapshot.findings)
    if not found:
        if snapshot.run.status == "failed":
            return "No rule found the cause."
        return "No problems so far." if snapshot.run.status == "running" else "No problems were found."
    first = printable(found[0].title).rstrip(".")
    if len(found) == 1:
        return f"1 problem was found: {first}."
    return f"{len(found)} problems were found; first: {first}."


def _tone(snapshot: Snapshot) -> str:
    severities = {finding.severity for finding in snapshot.findings}
    if snapshot.run.status == "failed" or Severity.ERROR in severities:
        return "bad"
    found = baselines(snapshot)
    is_beaten = found is not None and found.network_is_beaten
    if Severity.WARNING in severities or snapshot.run.status in ("interrupted", "killed") or is_beaten:
        return "warning"
    return "plain" if snapshot.run.status == "running" else "good"


def _notes(snapshot: Snapshot) -> tuple[str, ...]:
    notes = [advice] if (advice := _reason(snapshot)[1]) else []
    notes += _limits(snapshot)
    if why := snapshot.event("stopped").get("why"):
        notes.append(f"Training stopped early: {printable(why).rstrip('.')}.")
    if (resumed := snapshot.event("resumed").get("step")) is not None:
        notes.append(f"Training was resumed at step {number(resumed)}.")
    if snapshot.run.status in ("interrupted", "killed", "failed") and (
        saved := snapshot.event("checkpoint").get("step")
    ):
        notes.append(f"The last checkpoint is that of step {number(saved)}.")
    return tuple(notes)


def _limits(snapshot: Snapshot) -> list[str]:
    """Say how precise the main score is, and whether the network is better than simple methods."""
    found = baselines(snapshot)
    if not found or not found.network:
        return []
    notes = []
    interval = found.network.interval
    simple = found.simple[0]
    if interval:
        count = plural(snapshot.sizes.get(found.split, 0), "example")
        notes.append(f"95 % confidence interval from {count}: {percent(interval[0])} to {percent(interval[1])}.")
    if found.network_is_beaten:
        notes.append(f"The network is no better than {simple.name}, which is simpler.")
    elif interval and interval[0] < simple.value:
        notes.append(f"The difference from {simple.name} is not significant: its score lies in that interval.")
    return notes


def next_steps(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return commands that are useful now: (purpose, command) pairs, the most useful first."""
    run = shlex.quote(printable(snapshot.run.path))
    # Data or a network that came from Python cannot be named on a command line.
    named = snapshot.setting("data.source") not in _FROM_PYTHON and snapshot.setting("nn.model") not in _FROM_PYTHON
    if snapshot.run.status in ("interrupted", "killed") and named:
        return (("resume", f"trainwell fit --resume {run}"),)
    steps = []
    if snapshot.findings:
        first = snapshot.findings[0]
        repairs = repair_texts(first, recipe_text=snapshot.recipe)
        change = next((repair.options for repair in repairs if repair.options), "")
        if change and named:
            steps.append(("try the first repair", f"trainwell fit {run}/{RECIPE} {change}"))
        if re.fullmatch(r"\w+", first.rule):
            steps.append(("explain the first finding", f"trainwell rules {first.rule}"))
    if snapshot.run.status == "ok" and snapshot.run.scores and named:
        command = f"generate {run}" if snapshot.run.facts.causal else f"predict {run} NEW_DATA"
        steps.append(("use the network", f"trainwell {command}"))
    if snapshot.recipe.strip() and named:
        steps.append(("reproduce it", f"trainwell fit {run}/{RECIPE}"))
    return tuple(steps)


def facts_line(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return the facts that stand under the verdict: (name, value) pairs."""
    facts = []
    if sizes := snapshot.sizes:
        facts.append(("examples", " / ".join(number(sizes.get(split)) for split in ("train", "validation", "test"))))
    if labels := snapshot.event("data").get("labels") or snapshot.run.facts.labels:
        facts.append(("classes", number(len(labels))))
    if parameters := snapshot.event("network").get("parameters") or snapshot.run.facts.parameters:
        facts.append(("trainable parameters", number(parameters)))
    if snapshot.steps:
        facts.append(("trained", progress(snapshot)))
    if snapshot.run.seconds and math.isfinite(snapshot.run.seconds):
        facts.append(("time", duration(snapshot.run.seconds)))
    if best := snapshot.event("best").get("epoch"):
        facts.append(("best epoch", number(best)))
    return tuple(facts)
