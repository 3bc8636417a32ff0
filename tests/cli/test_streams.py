"""What is printed reaches the streams we were started with, and the last line is the last."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import atexit, os, sys
from trainwell.cli.streams import Streams
streams = Streams()
streams.print_last("the last")
atexit.register(lambda: print("bye", end=""))
print("script", end="", flush=True)
sys.stdout = sys.stderr = None
streams.say("aside")
streams.print("\\nœ", to_stderr=False)
sys.stdout = sys.__stdout__
"""


def test_the_last_line_is_the_last() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert done.stdout.splitlines() == ["script", r"\u0153", "bye", "the last"]
    assert (done.returncode, done.stderr) == (0, "trainwell: aside\n")


def test_a_stream_that_was_never_there_is_not_missed() -> None:
    done = subprocess.run(["sh", "-c", '"$0" -c "$1" >&- 2>&-', sys.executable, PROGRAM])
    assert done.returncode == 0
