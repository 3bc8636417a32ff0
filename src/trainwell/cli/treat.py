"""trainwell treat: cures tried, and kept if they are better beyond noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.options import Edits, Json, Runs, find_run, print_json, read_edits, speak

if TYPE_CHECKING:
    from trainwell.doctor import Treatment


def treat(
    subject: Annotated[str, typer.Argument(help="A run, its name in --runs, a recipe.toml or data.", metavar="RUN")],
    target: Annotated[str | None, typer.Option(help="Column of a table to predict.")] = None,
    edits: Edits = None,
    runs: Runs = Path("runs"),
    seeds: Annotated[int, typer.Option(help="Fresh seeds on which a cure must beat no change.")] = 5,
    trials: Annotated[int, typer.Option(help="Sets of edits to try at most.")] = 30,
    out: Annotated[Path | None, typer.Option(help="Where the cured recipe is written.")] = None,
    json: Json = False,
) -> None:
    """Try sets of cures in short trainings, keep what is better beyond noise and write the cured recipe."""
    from trainwell.doctor import treat as cure

    changes = read_edits(edits) | ({"data.target": target} if target else {})
    path = find_run(subject, runs)
    treatment = cure(path, edits=changes, seeds=seeds, trials=trials, out=out, say=lambda text: speak(text, aside=True))
    speak(treatment_text(treatment), aside=json)
    if json:
        print_json(treatment.to_json())


def treatment_text(treatment: Treatment) -> str:
    """Write what a treatment came to: what was wrong, what changes, the scores before and after."""
    from trainwell.core.files import plain
    from trainwell.report import findings_text
    from trainwell.report.text.words import words

    blocks = [findings_text(treatment.findings)] if treatment.findings else []
    cost = f"{treatment.trials} trainings, as much as {treatment.runs:.1f} whole runs"
    if treatment.helped:
        rows = [f"  {key} = {_shown(old)} -> {_shown(new)}" for key, (old, new) in treatment.changes.items()]
        names = ", then ".join(words(name) for name in treatment.repairs)
        blocks.append("\n".join([f"What helps: {names}", *rows]))
    elif treatment.scores_before:
        blocks.append("Nothing helped beyond noise: the recipe stays as it is.")
    else:
        blocks.append("There is nothing to treat: no finding names a cure.")
    if treatment.scores_before:
        lines = [f"Validation {words(treatment.score)} on {len(treatment.scores_before)} fresh seeds ({cost}):"]
        lines.append(f"  before  {_spread(treatment.scores_before)}")
        if treatment.helped:
            lines.append(f"  after   {_spread(treatment.scores_after)}")
        blocks.append("\n".join(lines))
    if treatment.path is not None:
        blocks.append(f"Train it: trainwell fit {plain(str(treatment.path))}")
    return "\n\n".join(blocks)


def _spread(scores: tuple[float, ...]) -> str:
    import math
    import statistics

    ended = [score for score in scores if math.isfinite(score)]
    broke = f", {len(scores) - len(ended)} broke down" if len(ended) < len(scores) else ""
    if not ended:
        return f"all {len(scores)} broke down"
    deviation = f" ± {statistics.stdev(ended):.4f}" if len(ended) > 1 else ""
    return f"{statistics.fmean(ended):.4f}{deviation}{broke}"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
