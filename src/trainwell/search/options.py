"""The options of a search, in groups."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field

from torch import nn

from trainwell.core.errors import UsageError
from trainwell.core.facts import InputFacts
from trainwell.recipe import Recipe
from trainwell.search.display import NoDisplay, SearchDisplay


@dataclass(frozen=True, kw_only=True)
class Compute:
    """Where and how trials train, and where they are recorded.

    Args:
        engine: "auto", "population" or "sequential".
        workers: number of processes; 0 uses one per core if there is enough to do. A script that asks for more than
            one must guard its start with `if __name__ == "__main__":`, as for any process pool of Python.
        cluster: "ray" or "ray://host:port" trains on a Ray cluster; empty trains on this machine.
        storage: URL of a database to share with other processes ("postgresql://…"); empty for a SQLite file in the
            study's folder.
    Raises:
        UsageError: for a negative number of workers.
    """

    engine: str = "auto"
    workers: int = 1
    cluster: str = ""
    storage: str = ""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise UsageError(f"--workers must be at least 0, got {self.workers}.")


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """When a search stops before all trials are done.

    Args:
        seconds: after so much time; 0 for no limit.
        target: when a trial reaches this validation score.
    Raises:
        UsageError: for a target that is not a number.
    """

    seconds: float = 0.0
    target: float = math.inf

    def __post_init__(self) -> None:
        if math.isnan(self.target):
            raise UsageError("--target-score must be a number, got nan. Leave it out to try all configurations.")


@dataclass(frozen=True, kw_only=True)
class FinalEvaluation:
    """How the result of a search is evaluated.

    Args:
        repeats: number of other seeds with which the winner and the runner-up are trained again; None for 5 in a
            population and 0 otherwise.
        nested: outer folds of nested cross-validation, which evaluates the whole procedure with one more search per
            fold; 0 for none.
        train_winner: False skips the final training of the winner and the evaluation on the test split.
    Raises:
        UsageError: for 1 repeat, which shows no spread.
    """

    repeats: int | None = None
    nested: int = 0
    train_winner: bool = True

    def __post_init__(self) -> None:
        if self.repeats is not None and (self.repeats < 0 or self.repeats == 1):
            raise UsageError(f"--repeats must be 0, or at least 2 to show a spread, got {self.repeats}.")


@dataclass(frozen=True)
class Options:
    """Everything about a search besides data, space, method and number of trials.

    Args:
        edits: settings of the recipe by dotted key, {"train.epochs": 30}.
        name: name of the study; None makes one from the data's name and the time.
        model: builds your own network, (recipe, InputFacts, outputs) -> nn.Module; None for the recipe's network.
        display: shows the search while it runs.
        compute: where and how trials train.
        stop: when the search stops early.
        evaluation: how the result is evaluated.

    >>> Options({"train.epochs": 3}, compute=Compute(workers=2)).compute.engine
    'auto'
    """

    edits: Mapping[str, object] = field(default_factory=dict)
    _: KW_ONLY
    name: str | None = None
    model: Callable[[Recipe, InputFacts, int], nn.Module] | None = None
    display: SearchDisplay = field(default_factory=NoDisplay)
    compute: Compute = Compute()
    stop: StopRule = StopRule()
    evaluation: FinalEvaluation = FinalEvaluation()
