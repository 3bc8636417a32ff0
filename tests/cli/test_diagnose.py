"""trainwell diagnose names the fault of a run."""

from __future__ import annotations

from pathlib import Path

from trainwell.cli.run import diagnosis
from trainwell.core.finding import Finding, Severity


def test_a_sick_run_and_a_healthy_one(cli) -> None:
    cli("fit", "iris", "--name", "sick", "--quiet", "--set", "optim.name=sgd", "--set", "optim.learning_rate=1e20")
    done = cli("diagnose", "sick", "--json")
    assert done.code == 0
    assert {finding["rule"] for finding in done.json["findings"]} & {
        "loss_not_finite",
        "learning_rate_too_high",
        "loss_diverges",
    }
    assert "try:" in cli("diagnose", "sick").out
    cli("fit", "wine", "--name", "healthy", "--quiet", "--epochs", 15)
    verdicts = [f for f in cli("diagnose", "healthy", "--json").json["findings"] if f["severity"] != "info"]
    assert verdicts == []


def test_line_and_cure_are_shown_and_hints_come_last(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("import torch\nloss.backward()\n")
    cause = Finding("missing_zero_grad", Severity.ERROR, "Gradients pile up.", where=(f"{script}:2",))
    hint = Finding("dead_units", Severity.INFO, "Half of the units never fire.")
    first, last = diagnosis([hint, cause])
    assert "train.py:2:  loss.backward()" in first and "cure: call `optimizer.zero_grad()`" in first
    assert last == "hints: Half of the units never fire"
    assert diagnosis([hint], brief=False)[0].startswith("hint: Half of the units never fire.")
