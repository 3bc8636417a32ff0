"""One run as the live page shows it: state, findings and series as plain data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.core.files import plain
from trainwell.core.finding import Finding, folded
from trainwell.core.signals import Series
from trainwell.doctor import current_findings
from trainwell.report import finding_parts, verdict
from trainwell.report.text.words import STATUSES, capitalised, is_percent, words
from trainwell.runs import Run, StoreReader, snapshot
from trainwell.runs.names import STORE
from trainwell.web.values import UNREADABLE, clean, finite

_MOST_SERIES = 400


def state(path: Path) -> dict[str, Any]:
    """Return what is known of a run: status, summary, findings, and the words the page needs.

    A run that is still training is judged now, so that its findings show before it ends.
    """
    try:
        shot = snapshot(Run.open(path))
        if shot.run.status == "running":
            found = current_findings(shot.signals, shot.run.facts, recorded=shot.findings)
            shot = dataclasses.replace(shot, run=dataclasses.replace(shot.run, findings=found))
        judged = verdict(shot)
    except UNREADABLE as problem:
        known: dict[str, Any] = {"name": path.name, "status": "damaged", "reason": str(problem), "findings": []}
        known["status_text"] = STATUSES["damaged"]
        return {key: clean(value) for key, value in known.items()}
    known = {
        "name": shot.run.name,
        "status": shot.run.status,
        "status_text": STATUSES.get(shot.run.status, shot.run.status),
        "headline": judged.headline,
        "sentence": judged.sentence,
        "tone": judged.tone,
        "notes": list(judged.notes),
        "findings": [_finding(cause, symptoms, recipe_text=shot.recipe) for cause, symptoms in folded(shot.findings)],
        "score_name": shot.main_score,
        "score_title": capitalised(words(shot.main_score)),
        "score_in_percent": is_percent(shot.main_score),
        "epochs": shot.epochs,
        "steps": shot.run.facts.steps,
    }
    return {key: clean(value) for key, value in known.items()}


def _finding(cause: Finding, symptoms: Sequence[Finding], *, recipe_text: str) -> dict[str, Any]:
    parts = finding_parts(cause, symptoms, recipe_text=recipe_text)._asdict()
    parts |= parts.pop("place")._asdict()
    repairs = [[repair.title, repair.change] for repair in parts["repairs"]]
    lists = {key: [list(row) for row in parts[key]] for key in ("evidence", "source_lines")}
    names = {key: list(parts[key]) for key in ("places", "symptoms")}
    severity = {"kind": str(cause.severity), "severity": capitalised(parts["severity"])}
    return parts | severity | {"repairs": repairs} | lists | names


def history(path: Path, points: int) -> dict[str, Any]:
    """Return all series of a run, downsampled, and the cursor from which to stream; no series if the run is damaged.

    Args:
        path: the run.
        points: largest number of points of each series.
    """
    try:
        series, cursor = _all_rows(path)
    except UNREADABLE:
        series = {}
        cursor = "0:0"
    return {"series": {plain(name): _thin(series[name], points) for name in [*series][:_MOST_SERIES]}, "cursor": cursor}


def _all_rows(path: Path) -> tuple[dict[str, Series], str]:
    with StoreReader(path / STORE) as store:
        generation = _generation(store)
        last = 0
        series: dict[str, Series] = {}
        while rows := store.rows_after(last):
            last = rows[-1].rowid
            for row in rows:
                known = series.setdefault(row.name, Series())
                known.steps.append(row.step)
                known.values.append(row.value)
        if _generation(store) != generation:  # it was rewound during the reading: the stream sends a resync
            last = 0
    return series, f"{generation}:{last}"


def _thin(series: Series, points: int) -> list[list[float | None]]:
    """Keep the lowest and the highest of each bucket, so that no spike is lost."""
    steps = series.steps
    values = series.values
    size = max(1, math.ceil(2 * len(values) / points))
    kept: list[int] = []
    for start in range(0, len(values), size):
        bucket = range(start, min(start + size, len(values)))
        sound = [index for index in bucket if math.isfinite(values[index])] or [start]
        broken = [index for index in bucket if not math.isfinite(values[index])][:1]
        kept += sorted({min(sound, key=values.__getitem__), max(sound, key=values.__getitem__), *broken})
    return [[steps[index], finite(values[index])] for index in kept]


def news(path: Path, generation: int, *, after: int, limit: int = 4000) -> tuple[dict[str, list[Any]] | None, int]:
    """Return the rows after one, by series, and the number of the last; None if the run was rewound since."""
    with StoreReader(path / STORE) as store:
        if _generation(store) != generation:
            return None, 0
        rows = store.rows_after(after, limit=limit)
        if _generation(store) != generation:
            return None, 0
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(plain(row.name), []).append([row.step, finite(row.value)])
    return grouped, rows[-1].rowid if rows else after


def _generation(store: StoreReader) -> int:
    meta: Mapping[str, Any] = store.meta()
    return int(meta.get("generation", 0))
