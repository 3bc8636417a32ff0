"""What the page asks of the runs folder: plain data, read only, from names that cannot lead elsewhere."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainwell.core.errors import TrainwellError
from trainwell.core.files import plain
from trainwell.core.finding import Finding
from trainwell.core.signals import Series
from trainwell.report import snapshot, verdict
from trainwell.report.text.findings import evidence_rows, folded
from trainwell.report.text.repairs import cures
from trainwell.rules import diagnose
from trainwell.runs import Run, RunSummary, StoreReader, is_locked, list_runs

STORE = "run.sqlite"
STUDY = "study.json"
_MOST_SERIES = 400
# What a store that is damaged, foreign or of another version may raise.
UNREADABLE = (TrainwellError, ValueError, TypeError, KeyError, AttributeError)


def run_id(name: str) -> str:
    """Return the name by which the page asks for a run: it reveals nothing and cannot be a path.

    >>> run_id("digits")
    '102358cd14af7442'
    """
    return hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()


class Folder:
    """The runs of one folder, as the page sees them.

    Args:
        path: the folder; it may still be absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Path, tuple[tuple[int, ...], dict[str, Any]]] = {}
        self._counts: dict[Path, tuple[tuple[int, ...], list[int]]] = {}

    def find(self, identity: str) -> Path | None:
        """Return the folder of a run, or None: only a listed name has an identity, and links are not followed."""
        try:
            with os.scandir(self.path) as entries:
                for entry in entries:
                    if run_id(entry.name) == identity and entry.is_dir(follow_symlinks=False):
                        path = self.path / entry.name
                        return path if os.path.lexists(path / STORE) else None
        except OSError:
            return None
        return None

    def listing(self) -> list[dict[str, Any]]:
        """Return one line for each run, newest first."""
        return [clean(self._line(run)) for run in list_runs(self.path) if not run.path.is_symlink()]

    def find_study(self, identity: str) -> Path | None:
        """Return the folder of a search, or None; as with runs, links are not followed."""
        return next((path for path in self._searches() if run_id(path.name) == identity), None)

    def studies(self) -> list[dict[str, Any]]:
        """Return one line for each search, newest first; one is read again only when it has changed."""
        found = []
        for path in self._searches():
            try:
                now = (os.stat(path / STUDY).st_mtime_ns, is_locked(path))
                if path not in self._known or self._known[path][0] != now:
                    self._known[path] = (now, _search_line(path))
            except OSError:
                continue
            found.append((now, self._known[path][1]))
        return [line for _, line in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def _searches(self) -> list[Path]:
        try:
            with os.scandir(self.path) as entries:
                folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []
        return [Path(entry.path) for entry in folders if os.path.lexists(os.path.join(entry.path, STUDY))]

    def _line(self, run: RunSummary) -> dict[str, Any]:
        problems, hints = self._count(run.path) if run.status != "damaged" else (0, 0)
        return {
            "id": run_id(run.name),
            "name": run.name,
            "status": run.status,
            "reason": run.reason,
            "model": run.model,
            "task": run.task,
            "score_name": run.score_name,
            "score": run.score,
            "seconds": run.seconds,
            "created": run.created,
            "problems": problems,
            "hints": hints,
        }

    def _count(self, path: Path) -> list[int]:
        """Count problems and hints, anew only when the store has changed: a finished run is counted once."""
        now = stamp(path)
        known = self._counts.get(path)
        if known is None or known[0] != now:
            try:
                with StoreReader(path / STORE) as store:
                    tops = [top.severity for top, _ in folded(store.findings())]
            except UNREADABLE:
                tops = []
            known = self._counts[path] = (now, [sum(s != "info" for s in tops), sum(s == "info" for s in tops)])
        return known[1]


def _search_line(path: Path) -> dict[str, Any]:
    """Read one search. Its room is imported here: a page without searches needs no torch."""
    from trainwell.search import describe_settings, open_study

    line: dict[str, Any] = {"id": run_id(path.name), "name": path.name}
    try:
        study = open_study(path)
    except UNREADABLE as problem:
        return dict(clean(line | {"status": "damaged", "reason": str(problem)}))
    best = study.best
    line |= {
        "status": {"stopped": "interrupted"}.get(study.status, study.status),
        "trials": len(study.trials),
        "total": study.spec.get("trials", 0),
        "engine": study.engine,
        "score_name": study.main_score,
        "score": best.score if best else None,
        "best": describe_settings(best.settings) if best else "",
        "seconds": study.seconds,
    }
    return dict(clean(line))


def search_page(path: Path) -> tuple[str, bool]:
    """Return the page of a search, and whether the search still goes on."""
    from trainwell.report.html.study import render_study
    from trainwell.search import open_study

    study = open_study(path)
    return render_study(study), study.status == "running"


def stamp(path: Path) -> tuple[int, ...]:
    """Return numbers that change whenever the store of a run changes."""
    found: list[int] = []
    for name in (STORE, f"{STORE}-wal"):
        try:
            status = os.stat(path / name)
            found += (status.st_mtime_ns, status.st_size)
        except OSError:
            found += (0, 0)
    return tuple(found)


def state(path: Path) -> dict[str, Any]:
    """Return what is known of a run: status, verdict, findings, scores.

    A run that still trains is judged here and now by the rules: its findings show long before it ends.
    """
    try:
        shot = snapshot(Run.open(path))
        if shot.status == "running":
            found = {finding.rule: finding for finding in [*diagnose(shot.signals, shot.facts), *shot.findings]}
            shot = dataclasses.replace(shot, findings=tuple(found.values()))
        judged = verdict(shot)
    except UNREADABLE as problem:
        known: dict[str, Any] = {"name": path.name, "status": "damaged", "reason": str(problem), "findings": []}
        return {key: clean(value) for key, value in known.items()}
    known = {
        "name": shot.name,
        "status": shot.status,
        "headline": judged.headline,
        "sentence": judged.sentence,
        "tone": judged.tone,
        "notes": list(judged.notes),
        "findings": [_finding(cause, symptoms, shot.recipe) for cause, symptoms in folded(shot.findings)],
        "score_name": shot.main_score,
        "chance_loss": shot.chance_loss,
        "epochs": shot.epochs,
        "steps": shot.facts.steps,
        "seconds": shot.seconds,
        "created": shot.created,
    }
    return {key: clean(value) for key, value in known.items()}


def _finding(finding: Finding, symptoms: Sequence[Finding], recipe_text: str) -> dict[str, Any]:
    return finding.to_json() | {
        "evidence": [list(row) for row in evidence_rows(finding)],
        "symptoms": [symptom.title for symptom in symptoms],
        "cures": [[cure.title, cure.change] for cure in cures(finding, recipe_text)],
    }


def history(path: Path, points: int) -> dict[str, Any]:
    """Return all series of a run, thinned, with the place from which a stream goes on; none if it is damaged.

    Args:
        path: the run.
        points: the most of each series.
    """
    try:
        series, cursor = _all_rows(path)
    except UNREADABLE:
        series, cursor = {}, "0:0"
    return {"series": {plain(name): _thin(series[name], points) for name in [*series][:_MOST_SERIES]}, "cursor": cursor}


def _all_rows(path: Path) -> tuple[dict[str, Series], str]:
    with StoreReader(path / STORE) as store:
        generation, last = _generation(store), 0
        series: dict[str, Series] = {}
        while rows := store.rows_after(last):
            last = rows[-1].rowid
            for row in rows:
                known = series.setdefault(row.name, Series())
                known.steps.append(row.step)
                known.values.append(row.value)
        if _generation(store) != generation:  # it was rewound while we read: the stream will say so at once
            last = 0
    return series, f"{generation}:{last}"


def _thin(series: Series, points: int) -> list[list[float | None]]:
    """Keep the lowest and the highest of each bucket, so that no spike is lost."""
    steps, values = series.steps, series.values
    size = max(1, math.ceil(2 * len(values) / points))
    kept: list[int] = []
    for start in range(0, len(values), size):
        bucket = range(start, min(start + size, len(values)))
        sound = [index for index in bucket if math.isfinite(values[index])] or [start]
        broken = [index for index in bucket if not math.isfinite(values[index])][:1]
        kept += sorted({min(sound, key=values.__getitem__), max(sound, key=values.__getitem__), *broken})
    return [[steps[index], finite(values[index])] for index in kept]


def news(path: Path, generation: int, after: int, *, limit: int = 4000) -> tuple[dict[str, list[Any]] | None, int]:
    """Return the rows after one, by series, and the number of the last; None if the run was rewound meanwhile."""
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


def finite(value: float | None) -> float | None:
    """Return a number JSON can hold, or None.

    >>> finite(float("nan")), finite(0.5)
    (None, 0.5)
    """
    return value if value is not None and math.isfinite(value) else None


def clean(value: Any) -> Any:
    """Make plain data fit for JSON and for eyes: no numbers it cannot hold, no characters that steer.

    >>> clean({"a": [float("inf"), "x" + chr(27)]})
    {'a': [None, 'x']}
    """
    if isinstance(value, dict):
        return {plain(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, str):
        return plain(value)
    return finite(value) if isinstance(value, float) else value
