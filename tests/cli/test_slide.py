"""trainwell slide (docs/curriculum.md, A9)."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import trainwell as tw
from trainwell.cli.main import app

Image = pytest.importorskip("PIL.Image")


def test_image_and_numbers_are_written(tmp_path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 32, 32)).astype(np.uint8)
    edits = {"nn.model": "lenet", "task.name": "classify"}
    run = tw.fit((images, np.arange(40) % 4), epochs=1, runs=tmp_path, edits=edits)
    Image.fromarray(rng.integers(0, 255, (50, 60)).astype(np.uint8)).save(tmp_path / "big.png")
    out = tmp_path / "map.png"
    done = CliRunner().invoke(app, ["slide", str(run.path), str(tmp_path / "big.png"), "--output", str(out), "--json"])
    assert done.exit_code == 0, done.output
    plain = json.loads(done.stdout.splitlines()[-1])
    assert (plain["rows"], plain["columns"], plain["stride"]) == (5, 8, 4)
    with Image.open(out) as shown:
        assert shown.size == (8, 5)
    assert json.loads(out.with_suffix(".json").read_text())["classes"] == plain["classes"]
    for arguments, said in [(["--stride", "3"], "goes with --crops"), (["--output", "map.txt"], "must end in .png")]:
        wrong = CliRunner().invoke(app, ["slide", str(run.path), str(tmp_path / "big.png"), *arguments])
        assert said in str(wrong.exception)
