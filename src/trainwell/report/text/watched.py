"""What watching a script found, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwell.core.finding import problems
from trainwell.report.text.words import plural

if TYPE_CHECKING:
    from trainwell.monitor import Watched

_TELLING_SECONDS = 5.0


def watched_headline(watched: Watched) -> str:
    """Write how many problems were found, in how many steps, and what watching cost.

    The first steps are watched more closely than the budget allows, so the share of time is left out of a short run.
    """
    count = len(problems(watched.findings))
    if not watched.steps and not count:
        return no_training(watched)
    found = f"{plural(count, 'problem')} found" if count else "no problems were found"
    cost = f"watching took {watched.watch_seconds:.2f} s"
    if watched.watch_seconds >= _TELLING_SECONDS * watched.overhead_fraction:
        cost += f", {watched.overhead_fraction:.1%} of the training time"
    return f"{found} in {plural(watched.steps, 'step')} and {watched.seconds:.1f} s; {cost}"


def no_training(watched: Watched) -> str:
    """Return why there is no verdict on a script that took no optimizer step."""
    return f"no training was seen in {watched.seconds:.1f} s: no PyTorch optimizer took a step"
