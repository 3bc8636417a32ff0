"""trainwell learning-curve, as a stranger would call it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from trainwell.cli.main import app
from trainwell.core.errors import TrainwellError


def test_a_verdict_and_a_image(tmp_path) -> None:
    out = tmp_path / "c.svg"
    done = CliRunner().invoke(
        app, ["learning-curve", "wine", "--epochs", "4", "--seeds", "1", "--output", str(out), "--json"]
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found["sizes"]) == len(found["errors"]) >= 3
    assert found["verdict"] and out.read_text().startswith("<svg")


def test_too_few_examples_are_one_sentence(tmp_path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "\n".join(f"{i},{'xy'[i % 2]}" for i in range(40)))
    done = CliRunner().invoke(app, ["learning-curve", str(table)])
    assert isinstance(done.exception, TrainwellError) and done.exception.exit_code == 2
