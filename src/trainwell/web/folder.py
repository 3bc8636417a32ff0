"""The list of runs and searches: read only, from names that cannot lead outside the folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from trainwell.core.finding import Severity, folded
from trainwell.report.text.words import STATUSES, duration, plural, score_text, words
from trainwell.runs import RunSummary, StoreReader, is_locked, list_runs
from trainwell.runs.names import STORE, STUDY
from trainwell.web.values import UNREADABLE, clean


def run_id(name: str) -> str:
    """Return the identity of a run in addresses: it does not reveal the name and cannot be a path.

    >>> run_id("digits")
    '102358cd14af7442'
    """
    return hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()


class Folder:
    """The runs and searches of one folder.

    Args:
        path: the folder; it may still be absent.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[Path, tuple[tuple[int, ...], dict[str, Any]]] = {}
        self._counts: dict[Path, tuple[tuple[int, ...], tuple[int, int]]] = {}

    def find(self, identity: str) -> Path | None:
        """Return the folder of a run, or None: only names in this folder are found, and links are not followed."""
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
        """Return the folder of a search, or None; links are not followed."""
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
        problem_count, hint_count = self._count(run.path) if run.status != "damaged" else (0, 0)
        found = "–" if run.status == "running" else "none"  # a run that is still training is judged on its own page
        if hint_count:
            found = plural(hint_count, "hint")
        if problem_count:
            found = plural(problem_count, "problem")
        return {
            "id": run_id(run.name),
            "name": run.name,
            "status": run.status,
            "status_text": STATUSES.get(run.status, run.status),
            "reason": run.reason,
            "model": run.model,
            "score_text": score_text(run.score.name, run.score.value),
            "score_title": words(run.score.name),
            "problems": problem_count,
            "findings_text": found,
            "time": duration(run.time.seconds),
            "started": run.time.created[:16].replace("T", " "),
        }

    def _count(self, path: Path) -> tuple[int, int]:
        """Count problems and hints; again only when the store has changed, so that a finished run is counted once."""
        now = stamp(path)
        known = self._counts.get(path)
        if known is None or known[0] != now:
            try:
                with StoreReader(path / STORE) as store:
                    causes = [cause.severity for cause, _ in folded(store.findings())]
            except UNREADABLE:
                causes = []
            hint_count = sum(severity is Severity.INFO for severity in causes)
            known = self._counts[path] = (now, (len(causes) - hint_count, hint_count))
        return known[1]


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


def _search_line(path: Path) -> dict[str, Any]:
    """Read one search. `search` is imported here: it needs torch, which a page without searches does not."""
    from trainwell.search import describe_settings, open_study

    line: dict[str, Any] = {"id": run_id(path.name), "name": path.name}
    try:
        study = open_study(path)
    except UNREADABLE as problem:
        line |= {"status": "damaged", "status_text": STATUSES["damaged"], "settings": str(problem)}
        return dict(clean(line))
    best = study.best
    status = {"stopped": "interrupted"}.get(study.status, study.status)
    line |= {
        "status": status,
        "status_text": "searching" if status == "running" else STATUSES.get(status, status),
        "trials": f"{len(study.trials):,} of {study.spec.get('trials', 0):,}",
        "score_text": score_text(study.main_score, best.score if best else None),
        "score_title": words(study.main_score),
        "settings": describe_settings(best.settings) if best else "",
        "time": duration(study.seconds),
    }
    return dict(clean(line))


def search_page(path: Path) -> tuple[str, bool]:
    """Return the page of a search, and whether the search is still running."""
    from trainwell.report.html.study import render_study
    from trainwell.search import open_study

    study = open_study(path)
    return render_study(study), study.status == "running"
