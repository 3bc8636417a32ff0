"""Progress of a training on the terminal's error stream: a status line, and one line for each epoch."""

from __future__ import annotations

import io
import math
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from trainwell.report.text.words import duration, number, plural, printable, words

if TYPE_CHECKING:
    from rich.live import Live

# A terminal is redrawn four times a second; a file or pipe gets at most one line in ten seconds within an epoch.
_LIVE_SECONDS = 0.25
_PLAIN_SECONDS = 10.0
_MOST_ROWS = 200
_BAR = 10


class LiveDisplay:
    """Shows the progress of a training at little cost: `update` returns at once until the next redraw is due.

    Args:
        stream: where to write; by default the error stream, so that standard output has the results only.
        plain: True for lines without colours and redrawing; the default unless `stream` is a terminal.
    """

    def __init__(self, stream: TextIO | None = None, *, plain: bool | None = None) -> None:
        self._stream = stream or sys.stderr
        self._plain = not _is_terminal(self._stream) if plain is None else plain
        self._every = _PLAIN_SECONDS if self._plain else _LIVE_SECONDS
        self._live: Live | None = None
        self._held: list[tuple[str, str]] = []  # lines for the next redraw
        self._steps = self._epochs = 0
        self._heads: list[str] = []
        self._last: tuple[float, int] = (0.0, 0)
        self._due = math.inf

    def start(self, facts: Mapping[str, Any]) -> None:
        """Write what will be trained.

        Args:
            facts: any of "name", "source", "model", "parameters", "sizes" (split to count), "epochs", "steps" (planned
                in all), "step" (where a resumed run begins), "run" (folder) and "page" (address of the live page).
        """
        self._steps = int(facts.get("steps") or 0)
        self._epochs = int(facts.get("epochs") or 0)
        self._last = (time.monotonic(), int(facts.get("step") or 0))
        self._started = self._last
        self._due = self._last[0] + self._every
        if not self._plain:
            from rich.console import Console
            from rich.live import Live

            console = Console(file=self._stream, highlight=False, soft_wrap=False)
            # Standard output is printed above the status line only if it is a terminal, not if it is a pipe.
            to_terminal = sys.stdout.isatty()
            self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=to_terminal)
            self._live.start()
        for line in _introduction(facts):
            self._write(line)

    def update(self, step: int, *, epoch: int, loss: float | None = None, learning_rate: float | None = None) -> None:
        """Show the progress if a redraw is due.

        Args:
            step: optimizer steps taken.
            epoch: number of the current epoch, from 1.
            loss: latest training loss.
            learning_rate: that of this step.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + self._every
        then, before = self._last
        speed = (step - before) / (now - then) if now > then and step > before else 0.0
        self._last = (now, step)
        parts = [f"epoch {epoch}" + (f"/{self._epochs}" if self._epochs else "")]
        parts += [f"{speed:,.0f} steps/s" if speed >= 10 else f"{speed:.2g} steps/s"] if speed else []
        left = self._left(now, step)
        parts += [f"{duration(left)} left"] if left is not None else []
        parts += [f"loss {_cell(loss)}"] if loss is not None else []
        parts += [f"lr {_cell(learning_rate)}"] if learning_rate is not None else []
        if self._live is None:
            self._write("  " + " · ".join(parts))
        else:
            self._release()
            self._live.update(self._status(step, " · ".join(parts)), refresh=True)

    def epoch(self, row: Mapping[str, Any]) -> None:
        """Write the line of an epoch.

        Args:
            row: "epoch" (from 1); "seconds" since the start; "best" True if it is the best so far; and any of
                "loss/train", "loss/validation", "score/validation/<name>", "learning_rate".
        """
        epoch = int(row.get("epoch") or 0)
        every = math.ceil(self._epochs / _MOST_ROWS) or 1
        if every > 1 and epoch % every and epoch not in (1, self._epochs) and not row.get("best"):
            return
        keys = [key for key in row if key in ("loss/train", "loss/train_epoch", "loss/validation")]
        keys += [key for key in row if key.startswith("score/validation/")][: 4 - len(keys)]
        keys += ["learning_rate"] if "learning_rate" in row else []
        if not self._heads:
            self._heads = [_head(key) for key in keys]
            self._write("  " + "".join(f"{head:>{_width(head)}}" for head in ["epoch", *self._heads, "time"]), "dim")
        cells = [f"{epoch:>{_width('epoch')}}"]
        cells += [f"{_cell(row[key]):>{_width(head)}}" for key, head in zip(keys, self._heads, strict=False)]
        seconds = float(row.get("seconds") or time.monotonic() - self._started[0])
        cells.append(f"{_clock(seconds):>{_width('time')}}")
        best = bool(row.get("best"))
        self._write("  " + "".join(cells) + ("  best" if best else ""), "bold" if best else "")

    def stop(self) -> None:
        """Remove the status line; may be called more than once."""
        self._due = math.inf
        if self._live is not None:
            self._release()
            self._live.stop()
            self._live = None

    def __enter__(self) -> LiveDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _left(self, now: float, step: int) -> float | None:
        """Estimate the remaining seconds from the mean speed so far, evaluations included."""
        then, before = self._started
        if step <= before or self._steps <= step:
            return None
        return (self._steps - step) * (now - then) / (step - before)

    def _status(self, step: int, progress: str) -> Any:
        from rich.text import Text

        done = min(1.0, step / self._steps) if self._steps else 0.0
        full = round(_BAR * done)
        text = Text("  ", no_wrap=True, overflow="ellipsis")
        if self._steps:
            text.append("━" * full, style="cyan").append("━" * (_BAR - full), style="bright_black").append("  ")
        return text.append(progress)

    def _release(self) -> None:
        """Print the lines that were collected since the last redraw."""
        from rich.text import Text

        if self._live is not None and self._held:
            lines = Text("\n", no_wrap=True, overflow="ellipsis").join(Text(line, style) for line, style in self._held)
            self._live.console.print(lines)
            self._held.clear()

    def _write(self, line: str, style: str = "") -> None:
        if self._live is not None:
            self._held.append((line, style))
        else:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except OSError:  # the reader has closed the stream: training continues without output
                self._stream = io.StringIO()


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _introduction(facts: Mapping[str, Any]) -> list[str]:
    model = printable(facts.get("model", ""))
    source = printable(facts.get("source", ""))
    name = f"{model} on {source}" if model and source else printable(facts.get("name", "")) or "training"
    parameters = facts.get("parameters")
    sizes = ", ".join(f"{number(count)} {printable(split)}" for split, count in (facts.get("sizes") or {}).items())
    parts = [name, plural(int(parameters), "trainable parameter") if parameters else "", sizes]
    lines = [" · ".join(part for part in parts if part)]
    lines += [f"  run   {printable(facts['run'])}"] if facts.get("run") else []
    lines += [f"  page  {printable(facts['page'])}"] if facts.get("page") else []
    return [*lines, ""]


def _head(key: str) -> str:
    if key.startswith("loss/"):
        return "train loss" if key.startswith("loss/train") else "validation loss"
    return "lr" if key == "learning_rate" else words(key.rsplit("/", 1)[-1])


def _width(head: str) -> int:
    return max(6, len(head)) + 3 if head != "epoch" else 5


def _clock(seconds: float) -> str:
    """Write a time in at most 7 characters, up to 10 hours."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _cell(value: object) -> str:
    if not isinstance(value, int | float):
        return "–"
    return f"{value:.4f}" if math.isfinite(value) and 1e-2 <= abs(value) < 1e4 else number(float(f"{value:.3g}"))
