"""The result of `trainwell treat` as text for the terminal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainwell.recipe import to_toml
from trainwell.report.text.findings import findings_text
from trainwell.report.text.words import plural, printable, words

if TYPE_CHECKING:
    from trainwell.doctor import Treatment


def treatment_text(treatment: Treatment) -> str:
    """Write the findings, the changes that help, and the scores before and after them."""
    blocks = []
    if treatment.findings:
        blocks.append(findings_text(treatment.findings, recipe_text=to_toml(treatment.before)))
    blocks.append(_result(treatment))
    if treatment.scores.before:
        blocks.append(_scores(treatment))
    if treatment.path is not None:
        blocks.append(f"Train with it: trainwell fit {printable(treatment.path)}")
    return "\n\n".join(blocks)


def _result(treatment: Treatment) -> str:
    if treatment.helped:
        names = ", then ".join(words(name) for name in treatment.repairs)
        rows = [f"  {key} = {_value(old)} -> {_value(new)}" for key, (old, new) in treatment.changes.items()]
        return "\n".join([f"Repairs that help: {names}", *rows])
    if treatment.scores.before:
        return "No repair improves the validation score significantly: the recipe stays as it is."
    return "There is nothing to repair: no finding names a repair."


def _scores(treatment: Treatment) -> str:
    cost = f"{plural(treatment.cost.trials, 'training')}, the cost of {treatment.cost.runs:.1f} full runs"
    seeds = plural(len(treatment.scores.before), "new seed")
    lines = [f"Validation {words(treatment.scores.name)} with {seeds} ({cost}):"]
    lines.append(f"  before  {_spread(treatment.scores.before)}")
    if treatment.helped:
        lines.append(f"  after   {_spread(treatment.scores.after)}")
    return "\n".join(lines)


def _spread(scores: Sequence[float]) -> str:
    """Write mean and standard deviation of the trainings that did not diverge."""
    ended = [score for score in scores if math.isfinite(score)]
    if not ended:
        return f"all {len(scores)} diverged"
    deviation = f" ± {statistics.stdev(ended):.4f}" if len(ended) > 1 else ""
    diverged = f", {len(scores) - len(ended)} diverged" if len(ended) < len(scores) else ""
    return f"{statistics.fmean(ended):.4f}{deviation}{diverged}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
