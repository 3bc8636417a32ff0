from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.runs import Run, RunWriter, Snapshot, snapshot

RECIPE = 'seed = 7\n\n[data]\nsource = "digits"\n\n[nn]\nmodel = "mlp"\n'
SYMPTOM = Finding("noise", Severity.ERROR, "The loss jumps.", step=9)
CAUSE = Finding("rate_high", Severity.WARNING, "The rate is too high.", step=5, explains=("noise",))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A finished run with a symptom recorded before its cause."""
    with RunWriter.create(tmp_path, "pets", recipe_text=RECIPE) as writer:
        facts = Facts(kind="image", task="classify", chance_loss=math.log(3), epochs=3, steps=30)
        writer.describe(task="classify", main_score="accuracy", model="mlp", facts=facts)
        for step in range(1, 31):
            writer.signal("loss/train", step, value=1.1 / step)
        writer.score(epoch=3, step=30, split="test", scores={"accuracy": 0.88})
        writer.event("data", {"kind": "image", "labels": ["cat", "dog"], "sizes": {"train": 100, "test": "x"}})
        writer.progress(30)
        for finding in (SYMPTOM, CAUSE):
            writer.finding(finding)
    return Run.open(writer.path)


def test_everything_of_a_run_is_read(run: Run) -> None:
    shot = snapshot(run)
    assert (shot.run.name, shot.run.status, shot.run.task, shot.steps) == ("pets", "ok", "classify", 30)
    assert shot.run.scores["test"]["accuracy"] == 0.88
    assert [finding.rule for finding in shot.findings] == ["rate_high", "noise"]
    assert len(shot.signals["loss/train"]) == 30
    assert shot.event("data")["labels"] == ["cat", "dog"] and shot.event("no such kind") == {}
    assert shot.sizes == {"train": 100}
    assert shot.setting("nn.model") == "mlp" and shot.setting("nn.nothing") == "" and shot.setting("seed") == "7"
    assert shot.environment["packages"]["torch"]
    assert (shot.main_score, shot.epochs, shot.kind) == ("accuracy", 3, "image")
    assert shot.chance_loss == pytest.approx(math.log(3))


def test_the_last_event_of_a_kind_wins(run: Run) -> None:
    with RunWriter.reopen(run.path) as writer:
        writer.event("best", {"epoch": 2})
        writer.event("best", {"epoch": 9})
    assert snapshot(run).event("best") == {"epoch": 9}


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udc80"])
def test_a_snapshot_goes_without_a_recipe_and_an_environment(run: Run, text: str) -> None:
    (run.path / "recipe.toml").unlink()
    (run.path / "environment.json").write_bytes(text.encode(errors="surrogateescape"))
    shot = snapshot(run)
    assert (shot.recipe, shot.environment, shot.setting("seed")) == ("", {}, "")


def test_a_chance_loss_that_is_no_number_is_none() -> None:
    assert Snapshot(Run(Path("a"), meta={"chance_loss": math.nan})).chance_loss is None
