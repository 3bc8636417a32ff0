"""trainwell list shows every run, broken ones with their reason."""

from __future__ import annotations

import pytest


@pytest.fixture
def three(cli):
    cli("fit", "iris", "--epochs", 20, "--name", "good", "--quiet")
    cli("fit", "iris", "--epochs", 1, "--name", "poor", "--quiet", "--set", "optim.learning_rate=1e-9")
    cli("fit", "iris", "--name", "bad", "--quiet", "--set", "optim.name=sgd", "--set", "optim.learning_rate=1e20")
    return cli


def test_a_table_with_the_reason_of_the_failed(three) -> None:
    out = three("list").out
    assert all(name in out for name in ("good", "poor", "bad"))
    assert "failed" in out and "learning rate" in " ".join(out.split())


def test_sorting_and_json(three) -> None:
    names = [run["name"] for run in three("list", "--sort", "score", "--json").json["runs"]]
    assert names[0] == "good" and names[-1] == "bad"
    assert [run["name"] for run in three("list", "--sort", "name", "--json").json["runs"]] == ["bad", "good", "poor"]
    assert three("list", "--sort", "colour").code == 2


def test_no_runs(cli) -> None:
    assert "No runs" in cli("list").out


def test_a_damaged_run_is_listed(three, tmp_path) -> None:
    (tmp_path / "runs" / "good" / "run.sqlite").write_bytes(b"not a database, and long enough to look like one" * 10)
    done = three("list")
    assert done.code == 0 and "damaged" in done.out
