"""trainwell compare shows what differs."""

from __future__ import annotations


def test_settings_and_scores(cli) -> None:
    for name, epochs in (("a", 2), ("b", 4)):
        cli("fit", "iris", "--epochs", epochs, "--name", name, "--quiet")
    done = cli("compare", "a", "b")
    assert "train.epochs" in done.out and "test accuracy" in done.out
    found = cli("compare", "runs/a", "runs/b", "--json").json
    assert found["recipe"]["train.epochs"] == [2, 4]
    assert len(found["scores"]["test"]["accuracy"]) == 2
    assert "equal" in cli("compare", "a", "a").out
