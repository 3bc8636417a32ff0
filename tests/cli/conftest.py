"""Run the real command in a process of its own, or in this one where that is enough."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The last line of standard output."""
        return json.loads(self.out.strip().splitlines()[-1])


@pytest.fixture
def cli(tmp_path, monkeypatch, capfd):
    """Run a command in this process, in a fresh folder, exactly as the console script would."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Done:
        from trainwell.cli.main import main

        monkeypatch.setattr(sys, "argv", ["trainwell", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            code = 0
        except SystemExit as ending:
            code = ending.code or 0
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Done(code, out, err)

    return run


@pytest.fixture
def process(tmp_path):
    """Start the command in a process of its own."""

    def start(*arguments: object, cwd: Path = tmp_path, **more) -> subprocess.Popen:
        command = [sys.executable, "-m", "trainwell", *map(str, arguments)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
        )

    return start
