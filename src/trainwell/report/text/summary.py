"""The summary of a run for the terminal: plain text, at most 80 columns, no colour, no control characters."""

from __future__ import annotations

from trainwell.report.text.findings import findings_text
from trainwell.report.text.layout import columns, pairs, wrapped
from trainwell.report.text.verdict import next_steps, verdict
from trainwell.report.text.words import SPLITS, aligned, printable, words
from trainwell.runs import Run, Snapshot, snapshot
from trainwell.runs.names import REPORT


def summary(run: Run) -> str:
    """Write verdict, scores, findings, the files of the run and the next commands."""
    return summary_text(snapshot(run))


def summary_text(shot: Snapshot) -> str:
    """Write the summary of a snapshot; see `summary`."""
    judged = verdict(shot)
    blocks = [f"{printable(shot.run.name)}: {judged.headline}", wrapped(judged.sentence, indent="  ")]
    if judged.notes:
        blocks.append("\n".join(wrapped(note, indent="  ") for note in judged.notes))
    if scores := _scores(shot):
        blocks.append(scores)
    if shot.findings:
        blocks.append(findings_text(shot.findings, recipe_text=shot.recipe))
    rows = [("run", printable(shot.run.path))]
    if (shot.run.path / REPORT).exists():
        rows.append(("report", printable(shot.run.path / REPORT)))
    rows += next_steps(shot)
    blocks.append(pairs(rows))
    return "\n\n".join(blocks) + "\n"


def _scores(shot: Snapshot) -> str:
    splits = [split for split in SPLITS if shot.run.scores.get(split)]
    names = sorted(
        {name for split in splits for name in shot.run.scores[split]}, key=lambda n: (n != shot.main_score, n)
    )
    if not names:
        return ""
    rows = [["", *(SPLITS[split] for split in splits)]]
    rows += [[words(name), *aligned(shot.run.scores[split].get(name) for split in splits)] for name in names]
    return columns(rows)
