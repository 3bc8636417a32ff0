"""What a training and a search show on standard error while they run."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, final

from trainwell.cli.options import print_text

if TYPE_CHECKING:
    from trainwell.search import SearchProgress

_REDRAW_SECONDS = 0.2  # between two updates on a terminal
_LINE_SECONDS = 10.0  # between two lines where nothing can be redrawn


@final
class FitDisplay:
    """Shows a run on standard error while it trains."""

    def __init__(self) -> None:
        from trainwell.report import LiveDisplay

        self._live = LiveDisplay()

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        print_text(sentence, to_stderr=True)

    def start(self, facts: Any, step: int) -> None:
        """Show what is about to train."""
        sizes = {name: count for name, count in facts.sizes.items() if count}
        self._live.start(
            {
                "model": facts.model,
                "source": facts.source,
                "parameters": facts.parameters,
                "sizes": sizes,
                "epochs": facts.epochs,
                "steps": facts.steps,
                "step": step,
            }
        )

    def step(self, step: int, epoch: int) -> None:
        """Show where training stands, if it is time to."""
        self._live.update(step, epoch=epoch + 1)

    def epoch(self, epoch: int, numbers: Mapping[str, float], *, best: bool) -> None:
        """Show the numbers of an epoch."""
        self._live.epoch({"epoch": epoch, "best": best, **numbers})

    def stop(self) -> None:
        """Release the terminal."""
        self._live.stop()


@final
class TuneDisplay:
    """Shows a search on standard error: a table of the best on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        self._live: Any = None
        self._shown = 0.0
        self._complete = False

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        self.stop()
        print_text(sentence, to_stderr=True)

    def progress(self, progress: SearchProgress) -> None:
        """Show how far the search is, if the last time is long enough ago."""
        from trainwell.report.text.words import duration

        is_terminal = sys.stderr.isatty()
        now = time.monotonic()
        complete = progress.trials >= progress.total
        interval = _REDRAW_SECONDS if is_terminal else _LINE_SECONDS
        if now - self._shown < interval and complete == self._complete:
            return
        self._shown = now
        self._complete = complete
        parts = [f"{progress.trials:,}/{progress.total:,} trials", f"{progress.seconds:.0f} s"]
        parts += [f"about {duration(progress.left)} left"] if progress.left else []
        parts += [f"{progress.diverged:,} diverged"] if progress.diverged else []
        if is_terminal:
            self._draw(" · ".join(parts), progress)
            return
        from trainwell.search import describe_settings

        best = progress.leaders[0] if progress.leaders else None
        if best and best.score is not None:
            parts.append(f"best {best.score:.4f}: {describe_settings(best.settings)}")
        print_text("  " + " · ".join(parts), to_stderr=True)

    def stop(self) -> None:
        """Release the terminal."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, status: str, progress: SearchProgress) -> None:
        from rich import box
        from rich.console import Console
        from rich.live import Live
        from rich.table import Table

        from trainwell.search import describe_settings

        table = Table("trial", "score", "epochs", "settings", box=box.SIMPLE_HEAD, pad_edge=False, title=status)
        for trial in progress.leaders:
            if trial.score is not None:
                settings = describe_settings(trial.settings).replace("[", r"\[")
                table.add_row(str(trial.number), f"{trial.score:.4f}", str(trial.epochs), settings)
        if self._live is None:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(table, refresh=True)
