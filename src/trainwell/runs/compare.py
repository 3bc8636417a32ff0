"""Compare two runs: settings that differ, and scores."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainwell.core.errors import DamagedError
from trainwell.core.files import plain
from trainwell.recipe import dotted
from trainwell.runs.names import RECIPE
from trainwell.runs.run import Run


@dataclass(frozen=True)
class Comparison:
    """The differences between two runs.

    Args:
        names: names of the two runs.
        recipe: dotted key to the two values; None where a recipe does not set it. Equal settings are left out.
        scores: split and name to the two scores; None where a run has none.
    """

    names: tuple[str, str]
    recipe: Mapping[str, tuple[Any, Any]]
    scores: Mapping[str, Mapping[str, tuple[float | None, float | None]]]

    def difference(self, split: str, name: str) -> float | None:
        """Return by how much the second run's score is higher, or None if one of the two is missing."""
        first, second = self.scores.get(split, {}).get(name, (None, None))
        return None if first is None or second is None else second - first


def compare(first: Run | str | os.PathLike[str], second: Run | str | os.PathLike[str]) -> Comparison:
    """Compare two runs.

    Args:
        first: a run or its folder.
        second: another.
    Raises:
        StorageError: one of them cannot be read.
        DamagedError: a recipe is not valid TOML.
    """
    a, b = (run if isinstance(run, Run) else Run.open(run) for run in (first, second))
    settings_a = _settings(a)
    settings_b = _settings(b)
    return Comparison(
        names=(a.name, b.name),
        recipe={
            key: pair
            for key in dict.fromkeys([*settings_a, *settings_b])
            if (pair := (settings_a.get(key), settings_b.get(key)))[0] != pair[1]
        },
        scores={
            split: {
                name: (a.scores.get(split, {}).get(name), b.scores.get(split, {}).get(name))
                for name in dict.fromkeys([*a.scores.get(split, {}), *b.scores.get(split, {})])
            }
            for split in dict.fromkeys([*a.scores, *b.scores])
        },
    )


def _settings(run: Run) -> dict[str, Any]:
    try:
        return dict(dotted(tomllib.loads(run.recipe_text)))
    except ValueError as problem:
        raise DamagedError(f"{plain(str(run.path / RECIPE))} must be TOML: {plain(str(problem))}.") from None
