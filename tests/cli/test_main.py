"""One sentence and a documented exit code, whatever goes wrong."""

from __future__ import annotations

import io
import subprocess
import sys
import time

import pytest

from trainwell.cli.main import COMMANDS, report_error
from trainwell.core.errors import DataError, Interrupted

NAMES = [name for group in COMMANDS.values() for name in group]


def test_help_is_quick_and_brings_no_torch() -> None:
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "trainwell", "--help"], capture_output=True, text=True)
        seconds.append(time.perf_counter() - started)
        assert done.returncode == 0 and "fit" in done.stdout
    code = "import sys; sys.argv = ['trainwell', '--help']\nimport trainwell.cli.main as m\ntry:\n    m.main()\nexcept SystemExit:\n    pass\nsys.exit(3 if 'torch' in sys.modules or 'numpy' in sys.modules else 0)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_every_command_is_told_in_whole_words_on_a_narrow_terminal(cli, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli("--help").out.splitlines()
    commands = {name: next(line for line in lines if line.startswith(f"  {name} ")) for name in NAMES}
    assert len(commands) > 24 and not [line for line in commands.values() if line.endswith("...")]


def test_version(cli) -> None:
    from trainwell import __version__

    assert cli("--version").out == f"trainwell {__version__}\n"


@pytest.mark.parametrize("arguments", [("bogus",), ("fit", "--bogus"), ("fit",), ("fit", "digits", "--epochs", "x")])
def test_wrong_usage_is_exit_code_2(cli, arguments) -> None:
    assert cli(*arguments).code == 2


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (DataError("d"), 65),
        (Interrupted(15, "s"), 143),
        (KeyboardInterrupt(), 130),
        (ValueError("v"), 70),
        (MemoryError(), 70),
    ],
)
def test_exit_codes(problem, code, capsys) -> None:
    assert report_error(problem) == code
    assert capsys.readouterr().err.startswith("trainwell: ")


def test_names_that_the_terminal_cannot_write(cli, monkeypatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", stream)
    assert cli("fit", "no ü").code == 65
    stream.seek(0)
    assert "no \\xfc" in stream.read()


def test_debug_shows_the_traceback(process) -> None:
    child = process("fit", "digitz", "--debug")
    _, err = child.communicate(timeout=60)
    assert "Traceback" in err and "DataError" in err


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_stream_that_is_gone_does_not_hide_the_exit_code(stream, monkeypatch, capsys) -> None:
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    assert report_error(DataError("d")) == 65
    assert capsys.readouterr().out == ""
