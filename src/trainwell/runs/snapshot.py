"""A snapshot of a run: everything a report needs, read once, plain data afterwards."""

from __future__ import annotations

import functools
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwell.core.finding import Finding, in_order
from trainwell.core.signals import Signals
from trainwell.runs.names import ENVIRONMENT, RECIPE, STORE
from trainwell.runs.run import Run
from trainwell.runs.store import StoreReader

_MOST_BYTES = 1_000_000
# Types of what a report reads in the details of events. A run may be older, newer or damaged: a value of another type
# counts as absent, so that the report does not have to check again.
_ROWS: dict[str, dict[str, Any]] = {
    "baselines": {"name": str, "scores": dict},
    "per_class": {"label": object},
    "mistakes": {"id": object},
}
_DETAILS: dict[str, dict[str, Any]] = {
    **{kind: {"rows": list} for kind in _ROWS},
    "data": {"labels": list, "features": list, "remarks": list, "input_shape": list, "sizes": dict},
    "network": {"layers": list, "parameters": int},
    "confusion": {"labels": list, "matrix": list},
    "calibration": {"confidence": list, "accuracy": list, "counts": list, "error": float},
    "filters": {"image": str},
    "residuals": {"true": list, "predicted": list},
    "best": {"epoch": int, "step": int},
    "checkpoint": {"step": int},
    "resumed": {"step": int},
}


@dataclass(frozen=True)
class Snapshot:
    """A run as it was at one moment.

    Args:
        run: status, scores and findings.
        signals: all series.
        events: kind to detail; the last of each kind.
        recipe: text of the recipe.
        environment: versions, machine.
    """

    run: Run
    signals: Signals = field(default_factory=Signals)
    events: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recipe: str = ""
    environment: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, causes first (see `trainwell.core.finding`)."""
        return in_order(self.run.findings)

    @property
    def steps(self) -> int:
        """Optimizer steps taken: as recorded, or else counted from the signals."""
        return self.run.steps or 1 + max((series.steps[-1] for series in self.signals.values()), default=-1)

    def event(self, kind: str) -> Mapping[str, Any]:
        """Return the detail of the last event of a kind, or an empty mapping."""
        return self.events.get(kind, {})

    @property
    def main_score(self) -> str:
        """Name of the main score, or an empty name."""
        name = self.run.meta.get("main_score") or self.event("baselines").get("main") or ""
        return str(name) or next(iter(self.run.scores.get("test", {})), "")

    @property
    def chance_loss(self) -> float | None:
        """The loss at chance level (of the best constant prediction), where it is known."""
        for value in (self.run.meta.get("chance_loss"), self.run.facts.chance_loss):
            if isinstance(value, int | float) and math.isfinite(value):
                return float(value)
        return None

    @property
    def epochs(self) -> int:
        """Planned passes over the training split, 0 if unknown."""
        planned = self.run.meta.get("epochs") or self.run.facts.epochs
        return planned if isinstance(planned, int) else 0

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of examples in each split, where it is known."""
        sizes = self.event("data").get("sizes") or self.run.facts.sizes
        return sizes if isinstance(sizes, Mapping) else {}

    @property
    def kind(self) -> str:
        """Kind of the data: "image", "table", "array" or empty."""
        return str(self.event("data").get("kind") or self.run.facts.kind)

    def setting(self, key: str) -> str:
        """Return one setting of the recipe as text; empty if there is no readable recipe."""
        try:
            tree: Any = tomllib.loads(self.recipe)
        except tomllib.TOMLDecodeError:
            return ""
        for part in key.split("."):
            tree = tree.get(part) if isinstance(tree, dict) else None
        return "" if tree is None else str(tree)


def snapshot(run: Run) -> Snapshot:
    """Read everything a report needs of a run."""
    with StoreReader(run.path / STORE) as store:
        signals = store.signals()
        events = store.events()
    return Snapshot(
        run,
        signals=signals,
        events={event.kind: _well_formed(event.kind, event.detail) for event in events},
        recipe=_text(run.path / RECIPE),
        environment=_environment(run.path / ENVIRONMENT),
    )


def _well_formed(kind: str, detail: Any) -> dict[str, Any]:
    """Remove from the detail of an event the values that have the wrong type.

    >>> _well_formed("data", {"labels": 3, "sizes": {"train": 5, "test": "x"}, "source": "a"})
    {'sizes': {'train': 5}, 'source': 'a'}
    """
    if not isinstance(detail, dict):
        return {}
    types = _DETAILS.get(kind, {})
    kept: dict[str, Any] = {key: value for key, value in detail.items() if isinstance(value, types.get(key, object))}
    if "sizes" in kept and kind == "data":
        kept["sizes"] = {split: count for split, count in kept["sizes"].items() if isinstance(count, int)}
    if kind in _ROWS and "rows" in kept:
        needed = _ROWS[kind].items()
        kept["rows"] = [
            row
            for row in kept["rows"]
            if isinstance(row, dict) and all(key in row and isinstance(row[key], wanted) for key, wanted in needed)
        ]
    return kept


def _text(path: Path) -> str:
    """Read a small text file of the run; an absent one is empty."""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _environment(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
