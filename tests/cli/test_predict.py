"""trainwell predict prints what the network says."""

from __future__ import annotations

import pytest


@pytest.fixture
def trained(cli):
    cli("fit", "iris", "--epochs", 10, "--name", "a", "--quiet")
    return cli


def test_lines_and_json(trained) -> None:
    lines = trained("predict", "a", "iris").out.splitlines()
    assert len(lines) == 150 and len(lines[0].split("\t")) == 3
    found = trained("predict", "runs/a", "iris", "--json").json
    assert found["predictions"][0].keys() == {"id", "prediction", "confidence", "probabilities"}


def test_bad_input(trained, tmp_path) -> None:
    assert trained("predict", "a", "nothing.csv").code == 65
    (tmp_path / "t.csv").write_text("u,v\n1,2\n")
    done = trained("predict", "a", "t.csv")
    assert done.code == 65 and "column" in done.err
