"""trainwell diagnose names the fault of a run."""

from __future__ import annotations

from pathlib import Path

from trainwell.core.finding import Finding, Severity
from trainwell.runs import RunWriter


def test_a_sick_run_and_a_healthy_one(cli) -> None:
    cli("fit", "iris", "--name", "sick", "--quiet", "--set", "optim.name=sgd", "--set", "optim.learning_rate=1e20")
    done = cli("diagnose", "sick", "--json")
    assert done.code == 0
    assert {finding["rule"] for finding in done.json["findings"]} & {
        "loss_not_finite",
        "learning_rate_too_high",
        "loss_diverges",
    }
    assert "repair:" in cli("diagnose", "sick").out
    cli("fit", "wine", "--name", "healthy", "--quiet", "--epochs", 15)
    verdicts = [f for f in cli("diagnose", "healthy", "--json").json["findings"] if f["severity"] != "info"]
    assert verdicts == []


def test_the_findings_of_a_script_come_with_their_lines_and_those_of_all_its_trainings(cli, tmp_path: Path) -> None:
    with RunWriter.create(tmp_path / "runs", "watched", recipe_text="") as writer:
        writer.set_meta("script", "train.py")
        for step in range(20):
            writer.signal("training2/loss/train", step, value=1.0)
        for finding in (HINT, FAULT):
            writer.finding(finding)
    text = cli("diagnose", "watched").out
    assert text.startswith("error: Gradients accumulate.") and "train.py:2:  loss.backward()" in text
    assert "repair: Call `optimizer.zero_grad()`" in text
    assert text.index("hint: Half of the units") > text.index("error:")
    assert [one["rule"] for one in cli("diagnose", "watched", "--json").json["findings"]] == [FAULT.rule, HINT.rule]


HINT = Finding("dead_units", Severity.INFO, "Half of the units are always zero.")
FAULT = Finding(
    "missing_zero_grad",
    Severity.ERROR,
    "Gradients accumulate.",
    where=("train.py:2",),
    source_lines={"train.py:2": "loss.backward()"},
)
