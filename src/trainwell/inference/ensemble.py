"""Ensembles of runs: the mean of the members' probabilities, and its gain (docs/curriculum.md, A22)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import DataError, UsageError
from trainwell.data import Examples
from trainwell.fitting.plan import plan
from trainwell.inference.predict import Predicted, predict
from trainwell.recipe import flatten
from trainwell.runs import Run

# With fewer shared examples the standard error of an accuracy exceeds 5 percentage points.
_FEWEST = 50


@dataclass(frozen=True)
class Ensemble:
    """Scores of an ensemble and of its members, on examples used for neither training nor selection of any of them.

    Args:
        runs: the members.
        score: name of the score, higher is better.
        members: score of each member.
        together: score of the mean of their predictions.
        examples: number of scored examples.
        split: their split.
    """

    runs: tuple[str, ...]
    score: str
    members: tuple[float, ...]
    together: float
    examples: int
    split: str

    @property
    def mean(self) -> float:
        """Mean score of the members."""
        return sum(self.members) / len(self.members)

    @property
    def gain(self) -> float:
        """Score of the ensemble minus the mean score of its members."""
        return self.together - self.mean

    def to_json(self) -> dict[str, Any]:
        """Return the scores as `ensemble --json` prints them."""
        return dataclasses.asdict(self) | {"mean": self.mean, "gain": self.gain, "gain_over_best": self.gain_over_best}

    @property
    def gain_over_best(self) -> float:
        """Score of the ensemble minus the score of its best member."""
        return self.together - max(self.members)


def average(parts: Sequence[Predicted]) -> Predicted:
    """Return the mean of several predictions of the same inputs: of probabilities, or of numbers.

    Raises:
        UsageError: if their classes differ.

    >>> one = Predicted(["a"], ["x"], [0.9], [[0.9, 0.1]], ("x", "y"))
    >>> other = Predicted(["a"], ["y"], [0.7], [[0.3, 0.7]], ("x", "y"))
    >>> [round(p, 2) for p in average([one, other]).probabilities[0]], average([one, other]).values
    ([0.6, 0.4], ['x'])
    """
    first = parts[0]
    if any(
        part.labels != first.labels or (part.probabilities is None) != (first.probabilities is None) for part in parts
    ):
        raise UsageError("Members of an ensemble must have the same classes. Give runs on the same data.")
    if first.probabilities is None:
        values = np.mean([part.values for part in parts], axis=0)
        return dataclasses.replace(first, values=values.tolist())
    mean = np.mean([np.asarray(part.probabilities) for part in parts], axis=0)
    if isinstance(first.values[0], list):  # multi-label: each label has its own probability
        chosen = [[label for label, p in zip(first.labels, row, strict=True) if p > 0.5] for row in mean]
        return dataclasses.replace(first, values=chosen, probabilities=mean.tolist())
    best = mean.argmax(axis=1)
    return dataclasses.replace(
        first,
        values=[first.labels[place] for place in best],
        confidence=mean.max(axis=1).tolist(),
        probabilities=mean.tolist(),
    )


def ensemble(runs: Sequence[Run]) -> Ensemble:
    """Score runs alone and together on the test examples that all of them share.

    Args:
        runs: at least two finished runs on the same data. Runs of different seeds split the data differently unless
            they have the same `data.split_seed`; an example that any of them was trained on is not scored.
    Raises:
        UsageError: if there are fewer than two, their data differ, or they share too few test examples.
    """
    if len(runs) < 2:
        raise UsageError(f"An ensemble must have at least 2 runs, got {len(runs)}.")
    plans = [plan(dict(flatten(run.recipe))) for run in runs]
    examples = plans[0].examples
    if any(made.examples.fingerprint() != examples.fingerprint() for made in plans[1:]):
        raise UsageError("Members of an ensemble must be trained on the same data. Give runs of one data set.")
    split = "test" if all(len(made.splits.test) for made in plans) else "validation"
    rows = reduce(np.intersect1d, [getattr(made.splits, split) for made in plans])
    if len(rows) < _FEWEST:
        raise UsageError(
            f"The runs must share at least {_FEWEST} {split} examples, got {len(rows)}: their seeds split the data "
            "differently. Train them with --set data.split_seed=0 and different seeds."
        )
    parts = [predict(run, examples.inputs[rows]) for run in runs]
    name, truth = _truth(examples, rows)
    scores = [_score(name, truth, part=part) for part in [*parts, average(parts)]]
    return Ensemble(tuple(str(run.path) for run in runs), name, tuple(scores[:-1]), scores[-1], len(rows), split)


def _truth(examples: Examples, rows: NDArray[np.int64]) -> tuple[str, list[Any]]:
    if examples.numeric_target:
        return "r2", examples.targets[rows].tolist()
    if examples.class_numbers is None:
        raise DataError("ensemble evaluates single-label classification and regression only, not several labels.")
    return "accuracy", [examples.labels[number] for number in examples.class_numbers[rows]]


def _score(name: str, truth: list[Any], *, part: Predicted) -> float:
    if name == "accuracy":
        return float(np.mean([a == b for a, b in zip(truth, part.values, strict=True)]))
    from sklearn.metrics import r2_score

    shape = (len(truth), -1)
    return float(r2_score(np.reshape(truth, shape), np.reshape(part.values, shape)))
