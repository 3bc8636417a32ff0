"""What the rooms expect of one another: shapes of objects, not base classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn

    from trainwell.core.batch import Batch
    from trainwell.core.contracts.moment import Moment
    from trainwell.core.facts import Facts
    from trainwell.core.finding import Finding
    from trainwell.core.signals import Signals


class Batches(Protocol):
    """Batches whose order is a function of (seed, epoch) and nothing else."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from position `start`, on the CPU."""

    def __len__(self) -> int:
        """Number of batches in an epoch."""


class Probe(Protocol):
    """Measures something at a sampled step and returns it as named numbers."""

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Return what was measured, by signal name."""


@runtime_checkable
class PreparedProbe(Probe, Protocol):
    """A probe that must be prepared before the forward pass of a step that will be sampled.

    `read` then also releases what was prepared.
    """

    def prepare(self, model: nn.Module) -> None:
        """Get ready for the next step, for example install hooks."""

    def release(self) -> None:
        """Undo the preparation: the step will not come."""


class Recorder(Protocol):
    """Where a run's signals and events go."""

    def signal(self, name: str, step: int, *, value: float) -> None:
        """Record one value of one series."""

    def score(self, epoch: int, step: int, *, split: str, scores: Mapping[str, float]) -> None:
        """Record the scores of a split after an epoch."""

    def progress(self, steps: int) -> None:
        """Record how many steps the run has taken."""

    def flush_if_due(self) -> None:
        """Bring to the disk what was recorded, at most about once a second."""

    def flush(self) -> None:
        """Bring to the disk what was recorded, now."""

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record that something happened."""


class Display(Protocol):
    """Shows a run while it goes on."""

    def say(self, sentence: str) -> None:
        """Say something once: what was found out about the data, where the run is."""

    def start(self, facts: Facts, step: int) -> None:
        """Training starts, at step `step` of `facts.steps`."""

    def step(self, step: int, epoch: int) -> None:
        """A step is under way; called at every step, so it must cost next to nothing when there is nothing to do."""

    def epoch(self, epoch: int, numbers: Mapping[str, float], *, best: bool) -> None:
        """An epoch ended with these numbers ("loss/train", "score/validation/accuracy", "learning_rate", ...)."""

    def stop(self) -> None:
        """Training is over, for whatever reason; called once."""


class Rule(Protocol):
    """A pure function from what was seen to at most one finding."""

    def __call__(self, signals: Signals, facts: Facts) -> Finding | None:
        """Return a finding, or None if there is nothing to say."""
