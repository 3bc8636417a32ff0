"""Every error that trainwell raises on purpose, with the exit code of the command line.

    TrainwellError                 3   something went wrong
    ├── UsageError                 2   the request is invalid, or cannot be met on this machine
    │   ├── RecipeError            2   all mistakes of a recipe at once
    │   ├── UnknownNameError       2   a name that is in no catalogue, with the nearest one
    │   ├── ImageError             2   images too small for a network
    │   └── MissingExtraError      2   an optional package is not installed
    ├── DataError                 65   the data cannot be used
    │   └── ShapeError            65   shapes of arrays or tensors do not match
    ├── StorageError              74   disk, run folder or checkpoint
    │   ├── LockedError           74   another process writes to this run
    │   └── DamagedError          74   a file is damaged
    ├── TrainingError              3   training cannot continue
    │   └── DivergedError          3   loss, gradients or weights are not finite
    └── Interrupted          130/143   stopped by a signal; everything is saved

A message says what is wrong, what was expected, what was received and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainwell.core import exit_codes

_STEP_DOWN = 10.0  # recommended reduction of a learning rate that diverged
_HIGHEST_RECOMMENDED = 0.1  # where the usual learning rate is not known


class TrainwellError(Exception):
    """Base class of all errors; the message is written for the user.

    `run` is the folder of the run in progress, or None.
    """

    exit_code = exit_codes.FAILED
    run: Path | None = None


class UsageError(TrainwellError):
    """The request is invalid, or cannot be met on this machine."""

    exit_code = exit_codes.USAGE


class RecipeError(UsageError):
    """All mistakes found in one recipe, reported together.

    Args:
        mistakes: one sentence for each mistake, in the order of the file.

    >>> print(RecipeError(["train.epochs must be at least 1, got 0.", "seed must be an integer, got 'x'."]))
    the recipe has 2 mistakes:
      train.epochs must be at least 1, got 0.
      seed must be an integer, got 'x'.
    """

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        if len(self.mistakes) == 1:
            super().__init__(self.mistakes[0])
        else:
            lines = "".join(f"\n  {mistake}" for mistake in self.mistakes)
            super().__init__(f"the recipe has {len(self.mistakes)} mistakes:{lines}")


class UnknownNameError(UsageError):
    """A name that is in no catalogue; the message has the nearest valid name."""


class ImageError(UsageError):
    """Images too small for a network.

    Args:
        need: what the network needs and what it got, one sentence.
        smallest: smallest side length it accepts, in pixels.
        advice: what to do, one sentence.

    >>> ImageError("vgg16 needs images of at least 32x32, got 3x8x8.", smallest=32, advice="Give more.").smallest
    32
    """

    def __init__(self, need: str, *, smallest: int, advice: str) -> None:
        self.need = need
        self.smallest = smallest
        super().__init__(f"{need} {advice}")


class MissingExtraError(UsageError):
    """An optional package is required and not installed.

    >>> print(MissingExtraError("Reading images", "pillow", extra="vision"))
    Reading images needs the package 'pillow', which is not installed. Run: pip install 'trainwell[vision]'
    """

    def __init__(self, what: str, package: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed. Run: pip install 'trainwell[{extra}]'"
        )


class DataError(TrainwellError):
    """The data cannot be used: unreadable, empty, inconsistent or non-finite."""

    exit_code = exit_codes.DATA


class ShapeError(DataError):
    """Arrays or tensors whose shapes do not match."""


class StorageError(TrainwellError):
    """The disk, a run folder or a checkpoint cannot be read or written."""

    exit_code = exit_codes.STORAGE


class LockedError(StorageError):
    """Another process writes to this run."""


class DamagedError(StorageError):
    """A file is damaged: its bytes are not those that were written."""


class TrainingError(TrainwellError):
    """Training cannot continue."""


class DivergedError(TrainingError):
    """The loss, the gradients or the weights are not finite (NaN or Inf).

    Args:
        problem: what is not finite, one sentence.
        learning_rate: the highest learning rate of the step; None if there is no such step.

    >>> print(DivergedError("The loss is nan.", learning_rate=0.5))
    The loss is nan. The learning rate was 0.5: try --set optim.learning_rate=0.05, or --set train.clip_norm=1.
    """

    def __init__(self, problem: str, *, learning_rate: float | None = None) -> None:
        self.problem = problem
        self.learning_rate = learning_rate
        super().__init__(problem)
        self.recommend(_HIGHEST_RECOMMENDED)

    def recommend(self, usual: float) -> None:
        """Recommend the usual learning rate in the message if the one used was far above it.

        Args:
            usual: learning rate that is usual for the optimizer and the network.
        """
        if self.learning_rate is None:
            return
        lower = min(self.learning_rate / _STEP_DOWN, usual)  # what is above the usual one would diverge again
        used = f"The learning rate was {self.learning_rate:.3g}"
        self.args = (f"{self.problem} {used}: try --set optim.learning_rate={lower:.2g}, or --set train.clip_norm=1.",)


class Interrupted(TrainwellError):
    """A signal stopped the run; everything up to that step is saved.

    Args:
        signal_number: 2 (SIGINT) gives exit code 130, 15 (SIGTERM) gives 143.
        message: how to resume.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        self.exit_code = exit_codes.SIGNAL + signal_number
        super().__init__(message)
