"""One trial of a search: a configuration and the scores it reached on validation."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from trainwell.recipe.sections.setting import Value

INTERRUPTED = "the search was stopped"
_INTERRUPTED = (INTERRUPTED, "the search was broken off")  # the second in studies written by version 0.1


@dataclass(frozen=True)
class ValidationScores:
    """The scores of one configuration on validation, averaged over the folds.

    Args:
        main: the main score, higher is better; None if training diverged.
        all: all scores by name, with "loss".
        folds: the main score of each fold.
        rungs: number of epochs to the main score reached after them, wherever it was computed.
    """

    main: float | None = None
    all: Mapping[str, float] = field(default_factory=dict)
    _: KW_ONLY
    folds: tuple[float, ...] = ()
    rungs: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried, and the result.

    Args:
        number: from 0, in the order of the search.
        settings: the varied settings, dotted key to value, without inactive ones.
        state: "done"; "stopped" before its last epoch, because others scored higher; or "diverged".
        validation: the scores.
        epochs: epochs completed.
        seconds: training time; for trials trained together, this trial's part of it.
        reason: why it diverged or was stopped.

    >>> Trial.from_json(Trial(3, {"seed": 1}, state="done", validation=ValidationScores(0.5)).to_json()).score
    0.5
    """

    number: int
    settings: Mapping[str, Value]
    _: KW_ONLY
    state: str
    validation: ValidationScores = ValidationScores()
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def score(self) -> float | None:
        """The main score, higher is better; None if training diverged."""
        return self.validation.main

    @property
    def scores(self) -> Mapping[str, float]:
        """All scores by name, with "loss"."""
        return self.validation.all

    @property
    def folds(self) -> tuple[float, ...]:
        """The main score of each fold."""
        return self.validation.folds

    @property
    def rungs(self) -> Mapping[int, float]:
        """Number of epochs to the main score reached after them."""
        return self.validation.rungs

    @property
    def rank(self) -> tuple[float, ...]:
        """The sort key that puts the best trial first: finished before stopped trials, diverged ones last."""
        if self.score is None:
            return (2.0, 0.0, 0.0, math.inf)
        done = self.state == "done"
        return (float(not done), 0.0 if done else -self.epochs, -self.score, self.scores.get("loss", math.inf))

    @property
    def is_interrupted(self) -> bool:
        """True if the search was stopped during this trial, so that it has to be repeated."""
        return self.reason in _INTERRUPTED

    def to_json(self) -> dict[str, Any]:
        """Return the trial as plain data."""
        return {
            "number": self.number,
            "settings": {key: list(v) if isinstance(v, tuple) else v for key, v in self.settings.items()},
            "state": self.state,
            "score": self.score,
            "scores": dict(self.scores),
            "folds": list(self.folds),
            "rungs": {str(epochs): score for epochs, score in self.rungs.items()},
            "epochs": self.epochs,
            "seconds": self.seconds,
            "reason": self.reason,
        }

    @functools.cached_property
    def text(self) -> str:
        """The trial as JSON text, computed once: a trial is written to the database and again to study.json."""
        return json.dumps(self.to_json())

    @classmethod
    def from_text(cls, text: str) -> Trial:
        """Read a trial from the JSON text of `text`."""
        trial = cls.from_json(json.loads(text))
        trial.__dict__["text"] = text
        return trial

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Trial:
        """Read a trial from the plain data of `to_json`.

        Raises:
            KeyError: a field is missing.
            TypeError: a field is of the wrong type.
        """
        scores = ValidationScores(
            data["score"],
            data["scores"],
            folds=tuple(data["folds"]),
            rungs={int(epochs): float(score) for epochs, score in data["rungs"].items()},
        )
        return cls(
            number=data["number"],
            settings={key: tuple(v) if isinstance(v, list) else v for key, v in data["settings"].items()},
            state=data["state"],
            validation=scores,
            epochs=data["epochs"],
            seconds=data["seconds"],
            reason=data["reason"],
        )
