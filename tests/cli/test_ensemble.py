"""trainwell ensemble."""

from __future__ import annotations


def test_members_are_scored_and_predict_together(cli) -> None:
    for seed in (0, 1):
        cli("fit", "iris", "--epochs", 3, "--seed", seed, "--set", "data.split_seed=0", "--name", f"m{seed}",
            "--set", "data.test=0.4", "-q")  # fmt: skip
    found = cli("ensemble", "m0", "m1", "--json").json
    assert found["gain"] == found["together"] - found["mean"]
    assert "mean member" in cli("ensemble", "m0", "m1").out
    rows = cli("ensemble", "m0", "m1", "--predict", "iris", "--json").json["predictions"]
    assert len(rows) == 150
    assert len(cli("ensemble", "m0", "m1", "--predict", "iris").out.splitlines()) == 150
    assert cli("ensemble", "m0").code == 2
