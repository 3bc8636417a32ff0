"""trainwell range-test, as a stranger would call it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from trainwell.cli.main import app
from trainwell.core.errors import TrainwellError


def test_a_rate_with_its_band_and_a_image(tmp_path) -> None:
    out = tmp_path / "deep" / "r.svg"
    done = CliRunner().invoke(
        app, ["range-test", "iris", "--steps", "40", "--seeds", "1", "--output", str(out), "--json"]
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["low"] < found["suggested"] <= found["high"]
    assert len(found["rates"]) == len(found["losses"]) == 40
    assert out.read_text().startswith("<svg")


def test_bad_input_is_one_sentence(tmp_path) -> None:
    done = CliRunner().invoke(app, ["range-test", "iris", "--set", "optim.name=newton"])
    assert isinstance(done.exception, TrainwellError) and done.exception.exit_code == 2


@pytest.mark.parametrize("data", ["nothing.csv"])
def test_data_that_are_not_there(data) -> None:
    done = CliRunner().invoke(app, ["range-test", data])
    assert isinstance(done.exception, TrainwellError)
