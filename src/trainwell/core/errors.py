"""Everything trainwell raises on purpose, with the exit code the command line gives it.

    TrainwellError                 3   something went wrong
    ├── UsageError                 2   the request cannot be understood or cannot be met here
    │   ├── RecipeError            2   all mistakes of a recipe at once
    │   ├── UnknownNameError       2   a name no catalogue holds, with the nearest one
    │   ├── PictureError           2   a picture too small for a network
    │   └── MissingExtraError      2   an optional package is not installed
    ├── DataError                 65   the data cannot be used as they are
    │   └── ShapeError            65   arrays or tensors that do not fit together
    ├── StorageError              74   disk, run folder or checkpoint
    │   ├── LockedError           74   another process is writing this run
    │   └── DamagedError          74   bytes on the disk are not the bytes that were written
    ├── TrainingError              3   training cannot go on
    │   └── DivergedError          3   loss or weights stopped being finite
    └── Interrupted          130/143   a signal asked us to stop; everything is saved

Every message is one sentence that says what must hold, what was received and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class TrainwellError(Exception):
    """Base of every error trainwell raises on purpose; its message is fit for a user to read.

    `run` is the folder of the run that was under way, if there was one.
    """

    exit_code = 3
    run: Path | None = None


class UsageError(TrainwellError):
    """The request cannot be understood, or cannot be met on this machine."""

    exit_code = 2


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
    """A name that no catalogue holds; the message lists the valid names and the nearest one."""


class PictureError(UsageError):
    """A network that cannot take such pictures.

    Args:
        need: what it needs, and what it got, in a sentence.
        smallest: the least side that it takes, pixels.
        advice: what to do, in a sentence.

    >>> PictureError("vgg16 needs pictures of at least 32x32, got 3x8x8.", smallest=32, advice="Give more.").smallest
    32
    """

    def __init__(self, need: str, *, smallest: int, advice: str) -> None:
        self.need, self.smallest = need, smallest
        super().__init__(f"{need} {advice}")


class MissingExtraError(UsageError):
    """An optional package is needed and not installed.

    >>> print(MissingExtraError("Reading pictures", "pillow", "vision"))
    Reading pictures needs the package 'pillow', which is not installed. Run: pip install 'trainwell[vision]'
    """

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(
            f"{what} needs the package {package!r}, which is not installed. Run: pip install 'trainwell[{extra}]'"
        )


class DataError(TrainwellError):
    """The data cannot be used as they are: unreadable, empty, inconsistent or non-finite."""

    exit_code = 65


class ShapeError(DataError):
    """Arrays or tensors whose shapes do not fit together."""


class StorageError(TrainwellError):
    """The disk, a run folder or a checkpoint cannot be read or written."""

    exit_code = 74


class LockedError(StorageError):
    """Another process is writing this run."""


class DamagedError(StorageError):
    """A file does not hold the bytes that were written to it."""


class TrainingError(TrainwellError):
    """Training cannot go on."""


class DivergedError(TrainingError):
    """The loss, the gradients or the weights stopped being finite numbers."""


class Interrupted(TrainwellError):
    """A signal asked the run to stop; everything up to that step is saved.

    Args:
        signal_number: 2 (SIGINT) gives exit code 130, 15 (SIGTERM) gives 143.
        message: how to go on.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        self.exit_code = 128 + signal_number
        super().__init__(message)
