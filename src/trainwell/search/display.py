"""What a search shows while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trainwell.search.trials.trial import Trial


@dataclass(frozen=True)
class SearchProgress:
    """How far a search is.

    Args:
        trials: number of finished trials.
        total: number of planned trials.
        leaders: the best trials so far, best first.
        diverged: number of trials that diverged.
        seconds: duration so far, over all resumes.
        left: estimated seconds to the end; None if unknown.
    """

    trials: int
    total: int
    leaders: tuple[Trial, ...]
    diverged: int
    seconds: float
    left: float | None


class SearchDisplay(Protocol):
    """Shows a search while it runs."""

    def say(self, sentence: str) -> None:
        """Show a sentence once."""
        return

    def progress(self, progress: SearchProgress) -> None:
        """Show how far the search is; called often."""
        return

    def stop(self) -> None:
        """Release the terminal; called once, before the winner is trained."""
        return


class NoDisplay(SearchDisplay):
    """A display that shows nothing."""
