"""A run in one sentence: how good it is, beside what costs nothing, and whether something is wrong."""

from __future__ import annotations

import math
import re
import shlex
from dataclasses import dataclass

from trainwell.core.finding import Severity
from trainwell.report.figures.comparison import BaselinesInfo, baselines_info
from trainwell.report.text.findings import folded
from trainwell.report.text.repairs import cures
from trainwell.report.text.snapshot import Snapshot
from trainwell.report.text.words import duration, examples, number, percent, plural, printable, score_text, words

_FROM_PYTHON = ("arrays", "loaders", "custom")


@dataclass(frozen=True)
class Verdict:
    """What a reader must know first.

    Args:
        tone: "good", "warning", "bad" or "plain" (nothing to judge yet).
        headline: what was trained on what.
        sentence: the result, the reference and the problems.
        notes: what limits the result, one sentence each.
    """

    tone: str
    headline: str
    sentence: str
    notes: tuple[str, ...] = ()


def verdict(snapshot: Snapshot) -> Verdict:
    """Judge a run.

    >>> from pathlib import Path
    >>> verdict(Snapshot("a", Path("runs/a"), status="failed", reason="The loss became NaN.", steps=7)).sentence
    'The run failed after 7 steps: The loss became NaN. No rule found the cause.'
    """
    parts = [_course(snapshot), _result(snapshot), _problems(snapshot)]
    return Verdict(_tone(snapshot), headline(snapshot), " ".join(filter(None, parts)), _notes(snapshot))


def headline(snapshot: Snapshot) -> str:
    """Say what was trained on what."""
    model = snapshot.event("network").get("model") or snapshot.facts.model or snapshot.setting("nn.model")
    source = snapshot.event("data").get("source") or snapshot.facts.source or snapshot.setting("data.source")
    if model and source:
        return f"{printable(model)} on {printable(source).rstrip('/').rsplit('/', 1)[-1]}"
    return printable(snapshot.meta.get("script") or snapshot.name)


def progress(snapshot: Snapshot) -> str:
    """Say how far a run came: "3 of 20 epochs, 340 steps"."""
    epochs, planned = len(snapshot.signals["loss/train_epoch"]), snapshot.epochs
    steps = plural(snapshot.steps, "step")
    if not epochs:
        return steps
    return f"{f'{epochs:,} of ' if planned else ''}{plural(planned or epochs, 'epoch')}, {steps}"


def _course(snapshot: Snapshot) -> str:
    reason = _reason(snapshot)[0]
    why = f": {reason.rstrip('.')}." if reason else "."
    match snapshot.status:
        case "failed":
            return f"The run failed after {progress(snapshot)}{why}"
        case "interrupted":
            return f"The run was interrupted after {progress(snapshot)}{why}"
        case "killed":
            return f"The process that trained this run is gone; it reached {progress(snapshot)}."
        case "running":
            return f"Still training: {progress(snapshot)} so far."
    return ""


def _reason(snapshot: Snapshot) -> tuple[str, str]:
    """Split the reason of an end into its first sentence and the advice that follows it."""
    first, stop, rest = printable(snapshot.reason).strip().partition(". ")
    return first + stop.strip(), rest


def _result(snapshot: Snapshot) -> str:
    score, kind = snapshot.main_score, examples(snapshot.kind)
    for split, sealed in (("test", "sealed test"), ("validation", "validation")):
        value = snapshot.scores.get(split, {}).get(score)
        if value is None:
            continue
        count = snapshot.sizes.get(split)
        which = f"{f'{count:,} ' if count else ''}{sealed} {kind}"
        compared = _compared(baselines_info(snapshot)) if split == "test" else ""
        if score == "accuracy":
            return f"{percent(value)} of the {which} are right{compared}."
        return f"On the {which}, {words(score)} is {score_text(score, value)}{compared}."
    return _losses(snapshot)


def _compared(info: BaselinesInfo | None) -> str:
    simple = [bar for bar in info.bars if not bar.network] if info else []
    if not info or not simple:
        return ""
    # The humblest first, the strongest last: each is a higher bar than the one before.
    said = [
        f"{bar.name} {'gives ' if n == 0 else ''}{score_text(info.score, bar.value)}"
        for n, bar in enumerate(simple[::-1])
    ]
    return "; " + ", ".join(said)


def _losses(snapshot: Snapshot) -> str:
    series, chance = snapshot.signals["loss/train"], snapshot.chance_loss
    if len(series) < 2 or (snapshot.status == "failed" and snapshot.reason):
        return ""
    if (bad := next((step for step, value in series if not math.isfinite(value)), None)) is not None:
        return f"The training loss began at {number(series.first)} and was no finite number from step {number(bad)} on."
    beside = f"; chance is {number(chance)}" if chance is not None else ""
    return f"The training loss went from {number(series.first)} to {number(series.last)}{beside}."


def _problems(snapshot: Snapshot) -> str:
    alarms = [cause for cause, _ in folded(snapshot.findings) if cause.severity != Severity.INFO]
    if not alarms:
        if snapshot.status == "failed":
            return "No rule found the cause."
        return "No problems so far." if snapshot.status == "running" else "No problems were found."
    first = printable(alarms[0].title).rstrip(".")
    if len(alarms) == 1:
        return f"1 problem was found: {first}."
    return f"{len(alarms)} problems were found; first: {first}."


def _tone(snapshot: Snapshot) -> str:
    grave = {finding.severity for finding in snapshot.findings}
    if snapshot.status == "failed" or Severity.ERROR in grave:
        return "bad"
    if Severity.WARNING in grave or snapshot.status in ("interrupted", "killed") or _beaten(baselines_info(snapshot)):
        return "warning"
    return "plain" if snapshot.status == "running" else "good"


def _beaten(info: BaselinesInfo | None) -> bool:
    """Tell whether a simple method does as well as the network, or better."""
    if not info or not info.network or not info.best_simple:
        return False
    network, simple = info.network.value, info.best_simple.value
    return network >= simple if info.lower else network <= simple


def _notes(snapshot: Snapshot) -> tuple[str, ...]:
    info = baselines_info(snapshot)
    notes = [advice] if (advice := _reason(snapshot)[1]) else []
    if info and info.network and info.network.interval:
        low, high = info.network.interval
        count = plural(snapshot.sizes.get(info.split, 0), "example")
        notes.append(f"From {count}, the true share lies between {percent(low)} and {percent(high)} (95 % interval).")
    if info and (network := info.network) and (simple := info.best_simple):
        if _beaten(info):
            notes.append(f"The network is no better than {simple.name}, which is simpler.")
        elif network.interval and network.interval[0] < simple.value:
            notes.append(f"The lead over {simple.name} is within the noise of the test split.")
    if why := snapshot.event("stopped").get("why"):
        notes.append(f"It stopped early: {printable(why).rstrip('.')}.")
    if (resumed := snapshot.event("resumed").get("step")) is not None:
        notes.append(f"It was resumed at step {number(resumed)}.")
    if snapshot.status in ("interrupted", "killed", "failed") and (saved := snapshot.event("checkpoint").get("step")):
        notes.append(f"Everything up to step {number(saved)} is saved.")
    return tuple(notes)


def next_steps(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return what can be done with a run: (what for, command) pairs, the most useful first."""
    run = shlex.quote(printable(snapshot.path))
    # Data or a network that came from Python cannot be named on a command line.
    named = snapshot.setting("data.source") not in _FROM_PYTHON and snapshot.setting("nn.model") not in _FROM_PYTHON
    if snapshot.status in ("interrupted", "killed") and named:
        return (("go on where it stopped", f"trainwell fit --resume {run}"),)
    steps = []
    if snapshot.findings:
        first = snapshot.findings[0]
        change = next((cure.options for cure in cures(first, snapshot.recipe) if cure.options), "")
        if change and named:
            steps.append(("try the first cure", f"trainwell fit {run}/recipe.toml {change}"))
        if re.fullmatch(r"\w+", first.rule):
            steps.append(("what the first finding means", f"trainwell rules {first.rule}"))
    if snapshot.status == "ok" and snapshot.scores and named:
        steps.append(("use the network", f"trainwell predict {run} NEW_DATA"))
    if snapshot.recipe.strip() and named:
        steps.append(("train it again, bit for bit", f"trainwell fit {run}/recipe.toml"))
    return tuple(steps)


def facts_line(snapshot: Snapshot) -> tuple[tuple[str, str], ...]:
    """Return the few facts that stand under the verdict: (name, value) pairs."""
    facts = []
    if sizes := snapshot.sizes:
        facts.append(("examples", " / ".join(number(sizes.get(split)) for split in ("train", "validation", "test"))))
    if labels := snapshot.event("data").get("labels") or snapshot.facts.labels:
        facts.append(("classes", number(len(labels))))
    if parameters := snapshot.event("network").get("parameters") or snapshot.facts.parameters:
        facts.append(("trainable parameters", number(parameters)))
    if snapshot.steps:
        facts.append(("trained", progress(snapshot)))
    if snapshot.seconds and math.isfinite(snapshot.seconds):
        facts.append(("time", duration(snapshot.seconds)))
    if best := snapshot.event("best").get("epoch"):
        facts.append(("best epoch", number(best)))
    return tuple(facts)
