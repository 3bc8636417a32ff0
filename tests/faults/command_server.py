"""Runs programs quickly: a process that has imported everything forks one child for each request.

Each line of standard input is a request: {"program", "runs", "folder", "streams", "environment"}. The child has the
streams, the working folder and the descriptors of a fresh process, runs `trainwell run` on the program (or the program
alone, where "runs" is null) and ends as an interpreter ends. The answers are two lines: the number of the child, and
its exit code, or minus the signal that killed it.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import torch  # noqa: F401  # what programs import

import trainwell.monitor
import trainwell.report  # noqa: F401
from trainwell.cli.run import run


def serve() -> dict[str, Any]:
    """Answer requests; return the request in each child."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return dict(json.loads(line))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    os._exit(0)


def become(request: dict[str, Any]) -> None:
    """Give this process what a fresh one has."""
    os.chdir(request["folder"])
    for number, path in enumerate(request["streams"]):
        opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    os.closerange(3, 1024)
    os.environ.clear()
    os.environ.update(request["environment"])
    raw = io.FileIO(0, closefd=False)
    raw.name = sys.stdin.name  # what Python calls it
    sys.stdin = io.TextIOWrapper(io.BufferedReader(raw), encoding=sys.stdin.encoding, errors=sys.stdin.errors)
    sys.orig_argv[:] = [sys.executable, "-m", "trainwell", "run", *request["program"]]


def run_alone(path: str) -> None:
    """Run a script as the main module."""
    main = ModuleType("__main__")
    main.__file__ = os.path.abspath(path)
    sys.modules["__main__"] = main
    sys.argv = [path]
    sys.path[0] = os.path.dirname(main.__file__)
    try:
        exec(compile(Path(path).read_text(), main.__file__, "exec", dont_inherit=True), main.__dict__)
    except Exception as problem:
        own = problem.__traceback__.tb_next if problem.__traceback__ else None  # without this file's line
        sys.excepthook(type(problem), problem.with_traceback(own), own)
        raise SystemExit(1) from None


if __name__ == "__main__":
    request = serve()
    become(request)
    if request["runs"] is None:
        run_alone(*request["program"])
    else:
        run(request["program"], runs=Path(request["runs"]))
