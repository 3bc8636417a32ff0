"""trainwell cost (docs/curriculum.md, K1)."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from trainwell.cli.main import app

KEYS = {"name", "kind", "output", "parameters", "macs", "receptive_field"}


def test_alexnet_table_and_json() -> None:
    done = CliRunner().invoke(app, ["cost", "alexnet", "--input", "3x227x227", "--batch-size", "128", "--json"])
    assert done.exit_code == 0, done.output
    plain = json.loads(done.stdout.splitlines()[-1])
    assert {"parameters", "macs", "activation_bytes", "training_bytes", "layers"} <= plain.keys()
    assert all(KEYS <= row.keys() for row in plain["layers"])
    assert (plain["parameters"], plain["layers"][0]["parameters"]) == (62_378_344, 34_944)
    shown = CliRunner().invoke(app, ["cost", "lenet", "--examples", "1000"]).stdout
    assert "61,706" in shown
    assert "largest batch is" in shown
    assert "An epoch of 1,000 examples takes" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["alexnet", "--input", "1x20x20"], "got inputs of shape 1x20x20. Give --input 1x67x67 or more."),
        (["lenet", "--input", "28"], "got inputs of shape 28. Give --input 3x12x12 or more."),
        (["alexnet", "--input", "227x227x3"], "Give 3x227x227"),
        (["lenet", "--input", "abc"], "--input must be channels x height x width"),
        (["lenet", "--batch-size", "-1"], "--batch-size must be at least 0"),
        (["lenett"], "Did you mean 'lenet'"),
    ],
)
def test_bad_input_is_one_sentence(arguments, said) -> None:
    done = CliRunner().invoke(app, ["cost", *arguments])
    assert said in str(done.exception)
    assert done.exception.exit_code == 2
