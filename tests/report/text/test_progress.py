from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable

import pytest

from trainwell.report.text.progress import LiveDisplay

FACTS = {
    "model": "mlp",
    "source": "digits",
    "parameters": 26122,
    "sizes": {"train": 1257, "validation": 270},
    "epochs": 3,
    "steps": 30,
    "run": "runs/digits",
}


class Terminal(io.StringIO):
    """A terminal of 80 columns."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def train(display: LiveDisplay, *, epochs: int = 3) -> None:
    display.start(FACTS | {"epochs": epochs, "steps": 10 * epochs})
    for epoch in range(1, epochs + 1):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            display.update(step, epoch=epoch, loss=1 / step, learning_rate=0.01)
        row = {"loss/train": 1 / epoch, "loss/validation": 1.2 / epoch, "score/validation/accuracy": 0.9}
        display.epoch({"epoch": epoch, **row, "learning_rate": 1 / 1500, "best": epoch == 2, "seconds": 0.5 * epoch})
    display.stop()


def test_without_a_terminal_there_is_one_line_per_epoch_and_no_colour() -> None:
    stream = io.StringIO()
    train(LiveDisplay(stream))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "mlp on digits · 26,122 trainable parameters · 1,257 train, 270 validation"
    assert "runs/digits" in lines[1]
    assert lines[3].split() == ["epoch", "train", "loss", "validation", "loss", "accuracy", "lr", "time"]
    assert [line.split()[0] for line in lines[4:]] == ["1", "2", "3"]
    assert [line.endswith("best") for line in lines[4:]] == [False, True, False]
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
    assert all(len(line) <= 80 for line in lines)


def test_columns_line_up() -> None:
    stream = io.StringIO()
    train(LiveDisplay(stream))
    head, *rows = stream.getvalue().splitlines()[3:]
    ends = [match.end() for match in re.finditer(r"\S+(?: \S+)*", head)]
    assert [match.end() for match in re.finditer(r"\S+(?: s)?", rows[0])] == ends


@pytest.mark.parametrize(("seconds", "shown"), [(59.94, "59.9 s"), (181.2, "3:01"), (3_725, "1:02:05")])
def test_times_of_long_runs_keep_clear_of_the_column_before(seconds, shown) -> None:
    stream = io.StringIO()
    display = LiveDisplay(stream)
    display.start(FACTS)
    display.epoch({"epoch": 1, "loss/train": 1.0, "learning_rate": 4.65e-6, "seconds": seconds})
    assert stream.getvalue().splitlines()[-1].split(maxsplit=3)[2:] == ["4.65e-6", shown]


def test_a_long_epoch_speaks_every_ten_seconds_only(monkeypatch) -> None:
    stream, clock = io.StringIO(), [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    display = LiveDisplay(stream)
    display.start(FACTS | {"steps": 1000})
    before = len(stream.getvalue().splitlines())
    for step in range(1, 351):
        clock[0] += 0.1
        display.update(step, epoch=1, loss=0.5)
    said = stream.getvalue().splitlines()[before:]
    assert len(said) == 3
    assert said[0].split(" · ") == ["  epoch 1/3", "10 steps/s", "1 min 30 s left", "loss 0.5000"]


def test_thousands_of_epochs_do_not_flood() -> None:
    stream = io.StringIO()
    train(LiveDisplay(stream), epochs=2000)
    assert 100 < len(stream.getvalue().splitlines()) < 250


def test_a_terminal_shows_a_status_line_and_takes_it_away(terminal: Terminal, monkeypatch) -> None:
    display = LiveDisplay(terminal)
    display.start(FACTS)
    time.sleep(0.26)
    display.update(10, epoch=1, loss=0.5, learning_rate=0.01)
    display.epoch({"epoch": 1, "loss/train": 0.5, "best": True})
    display.stop()
    display.stop()
    text = terminal.getvalue()
    assert "epoch 1/3" in text and "\x1b[1m" in text and "best" in text
    assert text.endswith("\x1b[2K")  # the status line is erased
    assert "\x1b[?25h" in text  # the cursor is back


def test_a_piped_output_is_left_alone(terminal: Terminal) -> None:
    before = sys.stdout
    with LiveDisplay(terminal) as display:
        display.start(FACTS)
        assert sys.stdout is before


def test_no_color_is_respected(terminal: Terminal, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    display = LiveDisplay(terminal)
    display.start(FACTS)
    time.sleep(0.26)
    display.update(10, epoch=1, loss=0.5)
    display.stop()
    assert not re.search("\x1b\\[(3|9)\\d", terminal.getvalue())


def test_a_dumb_terminal_gets_plain_lines(terminal: Terminal, monkeypatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    train(LiveDisplay(terminal))
    assert "\x1b" not in terminal.getvalue()


def test_names_cannot_steer_the_terminal() -> None:
    stream = io.StringIO()
    display = LiveDisplay(stream)
    display.start({"model": "m\x1b[31m", "source": "s\r", "run": "\x9bx", "sizes": {"\x07t": 1}})
    display.epoch({"epoch": 1, "score/validation/a\x1bb": 0.5})
    display.stop()
    assert not set(stream.getvalue()) & set("\x1b\r\x9b\x07")


def test_an_update_that_is_not_due_costs_little_more_than_a_call() -> None:
    display = LiveDisplay(io.StringIO())
    display.start(FACTS)

    def seconds(call: Callable[..., object]) -> float:
        begin = time.process_time()
        for step in range(10_000):
            call(step, epoch=1)
        return time.process_time() - begin

    pairs = [(seconds(display.update), seconds(lambda step, epoch: time.monotonic())) for _ in range(10)]
    assert min(update for update, _ in pairs) < 10 * min(call for _, call in pairs)


def test_before_start_and_after_stop_an_update_is_silent() -> None:
    stream = io.StringIO()
    display = LiveDisplay(stream)
    display.update(1, epoch=1)
    with display:
        display.start(FACTS)
    shown = stream.getvalue()
    display.update(99, epoch=9)
    assert stream.getvalue() == shown


def test_unknown_facts_are_left_out() -> None:
    stream = io.StringIO()
    display = LiveDisplay(stream)
    display.start({})
    display.epoch({"epoch": 1, "loss/train": float("nan"), "loss/validation": None})
    assert "NaN" in stream.getvalue() and "–" in stream.getvalue()
    assert os.linesep not in stream.getvalue().splitlines()[0]
