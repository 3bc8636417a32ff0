"""One configuration that was tried, and what came of it."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainwell.recipe.sections.setting import Value


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried; scores are of the validation part, averaged over the folds.

    Args:
        number: from 0, in the order of the search.
        settings: what was varied, dotted key to value; what did not matter is absent.
        state: "done"; "stopped" before its last epoch, because others did better; or "diverged".
        score: the main score, higher is better; None if it diverged.
        scores: all scores by name, with "loss".
        folds: the main score of each fold.
        rungs: the main score after so many epochs, wherever it was asked for.
        epochs: epochs done.
        seconds: time it took; of trials trained together, its share.
        reason: why it diverged, or was cut short.

    >>> Trial.from_json(Trial(3, {"seed": 1}, "done", 0.5).to_json()).score
    0.5
    """

    number: int
    settings: Mapping[str, Value]
    state: str
    score: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    folds: tuple[float, ...] = ()
    rungs: Mapping[int, float] = field(default_factory=dict)
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def rank(self) -> tuple[float, ...]:
        """Sort key that puts the best first: the finished before the stopped, and what diverged last."""
        if self.score is None:
            return (2.0, 0.0, 0.0, math.inf)
        done = self.state == "done"
        return (float(not done), 0.0 if done else -self.epochs, -self.score, self.scores.get("loss", math.inf))

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain data."""
        settings = {key: list(v) if isinstance(v, tuple) else v for key, v in self.settings.items()}
        rungs = {str(epochs): score for epochs, score in self.rungs.items()}
        own = {key: value for key, value in vars(self).items() if key != "text"}
        return own | {"settings": settings, "scores": dict(self.scores), "folds": list(self.folds), "rungs": rungs}

    @functools.cached_property
    def text(self) -> str:
        """The trial as text: made once, wherever it is kept."""
        return json.dumps(self.to_json())

    @classmethod
    def from_text(cls, text: str) -> Trial:
        """Return the trial that was written so."""
        trial = cls.from_json(json.loads(text))
        trial.__dict__["text"] = text
        return trial

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """Return the trial that `to_json` wrote."""
        settings = {key: tuple(v) if isinstance(v, list) else v for key, v in data["settings"].items()}
        rungs = {int(epochs): float(score) for epochs, score in data["rungs"].items()}
        return cls(**{**data, "settings": settings, "folds": tuple(data["folds"]), "rungs": rungs})
