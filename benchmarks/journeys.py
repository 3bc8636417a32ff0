"""Depth of the call stack when the network receives its first training batch.

Claim: at most 6 frames of the package are on the stack.
Command: python benchmarks/journeys.py [--list]
Hardware: any.
n: 1, because the counts are exact.

Counts what a reader of `trainwell fit table.csv` has to follow, on a real run with `sys.setprofile`: frames on the
stack, and the files, functions, calls and packages before.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from pathlib import Path

import numpy as np

import trainwell
from trainwell.cli.main import app

PACKAGE = str(Path(trainwell.__file__).parent)
LIMIT = 6


class Reached(Exception):
    """Ends a journey."""


class Journey:
    """Counts what is passed until a file is reached from the training loop."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.functions: set[tuple[str, str]] = set()
        self.calls = 0
        self.moves = 0
        self.stack: list[str] = []
        self._last = ""

    def __call__(self, frame, event, argument) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or code.co_name == "<module>":
            return
        if code.co_name == "__annotate__" or code.co_filename.endswith("__init__.py"):
            return
        file = code.co_filename[len(PACKAGE) + 1 :]
        self.calls += 1
        self.files.add(file)
        self.functions.add((file, code.co_qualname))
        self.moves += file != self._last
        self._last = file
        if (
            file == "core/contracts/task.py"
            and code.co_name == "forward"
            and frame.f_back.f_code.co_filename.endswith("loop.py")
        ):
            self.stack = [file]
            while frame.f_back:
                frame = frame.f_back
                if frame.f_code.co_filename.startswith(PACKAGE):
                    self.stack.append(frame.f_code.co_filename[len(PACKAGE) + 1 :])
            raise Reached


def table(folder: Path) -> Path:
    """Write a table of 200 rows with numbers, a category and a class."""
    draws = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'red' if a > b else 'blue'},{int(a + b > 0)}" for a, b in draws.normal(size=(200, 2))]
    path = folder / "table.csv"
    path.write_text("\n".join(["a,b,colour,label", *rows]))
    return path


def main() -> None:
    """Follow `trainwell fit table.csv`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments = ["fit", str(table(folder)), "--target", "label", "--runs", str(folder / "runs"), "--quiet"]
        # The first run imports everything: imports are not part of the journey.
        app([*arguments, "--epochs", "1"], standalone_mode=False)
        journey = Journey()
        sys.setprofile(journey)
        threading.setprofile(journey)
        try:
            app(arguments, standalone_mode=False)
        except Reached:
            pass
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    rooms = {file.partition("/")[0] for file in journey.files}
    print(
        f"frames {len(journey.stack)} (claim {LIMIT}) in {len(set(journey.stack))} files: {' < '.join(journey.stack)}"
    )
    print(f"files passed before {len(journey.files)}, rooms {len(rooms)}, functions {len(journey.functions)}")
    print(f"calls {journey.calls:,}, moves from file to file {journey.moves:,}")
    if "--list" in sys.argv:
        print("\n".join(sorted(journey.files)))


if __name__ == "__main__":
    main()
