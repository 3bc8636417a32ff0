"""trainwell check: a table with ticks, findings, and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.fixture
def command(cli, monkeypatch):
    """The command line with check in it."""
    from trainwell.cli import main
    from trainwell.cli.check import check

    if "check" not in {command.name for command in main.app.registered_commands}:
        monkeypatch.setattr(main.app, "registered_commands", [*main.app.registered_commands])
        main.app.command("check")(check)
    return lambda *arguments: cli("check", *arguments)


def test_healthy_data_pass(command) -> None:
    done = command("iris")
    assert done.code == 0 and "No problems were found." in done.out
    assert done.out.count("✓") == 14 and "✗" not in done.out
    assert "The plan: 100 epochs in batches of 32 with adamw, about" in done.out


def test_a_sick_recipe_fails_with_its_cause_first(command, tmp_path) -> None:
    (tmp_path / "sick.toml").write_text('[data]\nsource = "iris"\n[nn]\ninitialisation = "zeros"\n')
    done = command("sick.toml", "--json")
    assert done.code == 3 and "✗  units differ" in done.err
    assert done.json["findings"][0]["rule"] == "symmetric_weights" and done.json["passed"] is False
    rows = {row["name"]: row for row in done.json["checks"]}
    assert rows["units_differ"] == {
        "name": "units_differ",
        "passed": False,
        "measured": 2,
        "expected": "0 layers",
        "verdict": "error",
        "note": "",
    }
    assert 0 < done.json["predicted_seconds"] < 60


def test_numbers_that_are_not_finite_are_still_json(command) -> None:
    done = command("diabetes", "--json", "--set", "optim.name=sgd", "--set", "optim.learning_rate=1e6")
    assert "optimizer_cannot_fit" in {finding["rule"] for finding in done.json["findings"]}


def test_a_table_and_its_target(command, tmp_path) -> None:
    rows = ["size,weight,kind", *(f"{n},{n * n % 17},{'big' if n > 30 else 'small'}" for n in range(60))]
    (tmp_path / "table.csv").write_text("\n".join(rows))
    assert command("table.csv", "--target", "kind").code == 0
    assert command("table.csv", "--target", "nothing").code in (2, 65)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere.csv",), 65, "nowhere.csv"),
        (("iris", "--set", "optim.lr=1"), 2, "optim.learning_rate"),
        (("script.py",), 2, "script.py"),
        (("script.py", "--set", "seed=1"), 2, "leave out"),
        (("iris", "wine"), 2, "one argument"),
    ],
)
def test_bad_input_is_one_sentence(command, arguments, code, message) -> None:
    done = command(*arguments)
    assert done.code == code and message in done.err and done.out == ""


def test_a_script_is_stopped_after_twenty_steps_and_judged(tmp_path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "app.py").write_text(
        "import sys, typer\nfrom trainwell.cli.check import check\n"
        "app = typer.Typer()\napp.command('check')(check)\napp.command('other')(lambda: None)\napp()\n"
    )
    command = [sys.executable, "app.py", "check", "train.py", "--json", "--", "--rate", "0.1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "left with --rate 0.1 after 19"
    assert "missing_zero_grad" in {finding["rule"] for finding in json.loads(lines[-1])["findings"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py", "train.py"]


def test_a_script_that_trains_nothing_gets_no_verdict(process, tmp_path) -> None:
    (tmp_path / "train.py").write_text("import sys\nsys.exit(4)")
    child = process("check", "train.py")
    out, _ = child.communicate(timeout=60)
    assert child.returncode == 4
    assert out.startswith("No training was seen in ") and "No problems" not in out


SCRIPT = """
import sys
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(600, 6)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
steps = 0
try:
    while True:
        for i in range(0, 600, 32):
            loss = nn.functional.cross_entropy(model(x[i:i + 32]), y[i:i + 32])
            loss.backward()
            optimizer.step()
            steps += 1
finally:
    print("left with", *sys.argv[1:], "after", steps)
"""
