"""Differential tests: a program does the same under `trainwell run` as under `python`.

Same standard output, exit code and files, and every line that it writes on standard error. Programs that train print
the hash of their weights.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from transparent_scripts import PROGRAMS, TRAINING, Program

SERVER = Path(__file__).parent / "command_server.py"
SECONDS = 100


@dataclass(frozen=True)
class Result:
    """What a program did."""

    code: int
    out: str
    err: str
    files: dict[str, bytes]


class Server:
    """Runs the command in children of one warm process."""

    def __init__(self) -> None:
        environment = {**_environment(), "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout

    def run(self, program: Program, folder: Path, streams: list[Path], *, runs: Path | None) -> int:
        """Run a program in a child, watched if there is a folder for runs; return its exit code."""
        request = {
            "program": program.command,
            "runs": None if runs is None else str(runs),
            "folder": str(folder),
            "streams": [str(path) for path in streams],
            "environment": _environment(),
        }
        self._in.write(json.dumps(request) + "\n")
        self._in.flush()
        child = int(self._out.readline())
        timer = threading.Timer(SECONDS, os.kill, (child, signal.SIGKILL))
        timer.start()
        try:
            return int(self._out.readline())
        finally:
            timer.cancel()

    def stop(self) -> None:
        self._in.close()
        self._process.wait(timeout=60)
        self._out.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def _prepare(program: Program, folder: Path) -> list[Path]:
    """Write the files of a program; return its three streams, which lie outside its folder."""
    folder.mkdir()
    for name, content in program.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    if program.prepare:
        subprocess.run([sys.executable, "-c", program.prepare], cwd=folder, check=True)
    streams = [folder.with_suffix(f".{name}") for name in ("in", "out", "err")]
    for path in streams:
        path.write_text(program.stdin if path.suffix == ".in" else "")
    return streams


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "PYTHONUNBUF"))}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}


def _result(code: int, folder: Path, streams: list[Path]) -> Result:
    out, err = (path.read_text(errors="backslashreplace") for path in streams[1:])
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    # An interrupt ends Python by the signal; the command documents exit code 130, which shells report for both.
    return Result(130 if code == -signal.SIGINT else code, out, err, files)


def _compare(watched: Result, plain: Result, program: Program) -> None:
    assert watched.code == plain.code, watched.err
    assert watched.out == plain.out
    assert watched.files == plain.files
    assert plain.code == program.code, plain.err
    assert program.says in plain.out
    if program.compares_errors:
        said = iter(_without_addresses(watched.err))
        missing = [line for line in _without_addresses(plain.err) if line not in said]
        assert missing == [], watched.err
    if program.is_diagnosed:
        assert "internal error" not in watched.err


def _without_addresses(text: str) -> list[str]:
    return re.sub(r"0x[0-9a-f]+", "0x", text).splitlines()


def _as_command(program: Program, folder: Path, *words: str) -> Result:
    streams = _prepare(program, folder)
    with streams[0].open() as given, streams[1].open("a") as out, streams[2].open("a") as err:
        command = [sys.executable, *words, *program.command]
        done = subprocess.run(
            command, cwd=folder, stdin=given, stdout=out, stderr=err, env=_environment(), timeout=SECONDS
        )
    return _result(done.returncode, folder, streams)


def _in_child(server: Server, program: Program, folder: Path, *, runs: Path | None) -> Result:
    streams = _prepare(program, folder)
    return _result(server.run(program, folder, streams, runs=runs), folder, streams)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if PROGRAMS[name].is_slow else ()) for name in PROGRAMS]
)
def test_a_program_does_the_same_as_without_us(server: Server, tmp_path: Path, name: str) -> None:
    # Both run in a folder of the same name, one after the other: paths are part of what programs print.
    program = PROGRAMS[name]
    folder = tmp_path / "work"
    # Programs that train are run by the warm process too: to import torch takes a second and more.
    plain = _in_child(server, program, folder, runs=None) if name in TRAINING else _as_command(program, folder)
    shutil.rmtree(folder)
    _compare(_in_child(server, program, folder, runs=tmp_path / "runs"), plain, program)


REAL = ["state", "daemon that closes all descriptors", "trains"]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in REAL else pytest.mark.slow) for name in PROGRAMS]
)
def test_a_program_does_the_same_under_the_real_command(tmp_path: Path, name: str) -> None:
    program = PROGRAMS[name]
    folder = tmp_path / "work"
    plain = _as_command(program, folder)
    shutil.rmtree(folder)
    watched = _as_command(program, folder, "-m", "trainwell", "run", "--runs", str(tmp_path / "runs"))
    _compare(watched, plain, program)


def test_there_are_many_programs() -> None:
    assert len(PROGRAMS) >= 60
