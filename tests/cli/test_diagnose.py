"""trainwell diagnose names the fault of a run."""

from __future__ import annotations


def test_a_sick_run_and_a_healthy_one(cli) -> None:
    cli("fit", "iris", "--name", "sick", "--quiet", "--set", "optim.name=sgd", "--set", "optim.learning_rate=1e20")
    done = cli("diagnose", "sick", "--json")
    assert done.code == 0
    assert {finding["rule"] for finding in done.json["findings"]} & {
        "loss_not_finite",
        "rate_too_high",
        "loss_explodes",
    }
    assert "try:" in cli("diagnose", "sick").out
    cli("fit", "wine", "--name", "healthy", "--quiet", "--epochs", 15)
    verdicts = [f for f in cli("diagnose", "healthy", "--json").json["findings"] if f["severity"] != "info"]
    assert verdicts == []
