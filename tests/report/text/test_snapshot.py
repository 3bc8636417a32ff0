from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwell.report.text.snapshot import Snapshot, snapshot
from trainwell.runs import RunWriter


def test_everything_of_a_run_is_read(make_run, two_findings) -> None:
    shot = snapshot(make_run(findings=two_findings))
    assert (shot.name, shot.status, shot.task, shot.steps) == ("pets", "ok", "classify", 30)
    assert shot.scores["test"]["accuracy"] == 0.88
    assert [finding.rule for finding in shot.findings] == ["rate_high", "noise"]
    assert len(shot.signals["loss/train"]) == 30
    assert shot.event("data")["labels"] == ["cat", "dog", "eel"] and shot.event("unheard of") == {}
    assert shot.setting("nn.model") == "mlp" and shot.setting("nn.nothing") == "" and shot.setting("seed") == "7"
    assert shot.environment["packages"]["torch"]
    assert (shot.main_score, shot.epochs, shot.kind) == ("accuracy", 3, "picture")
    assert shot.chance_loss == pytest.approx(math.log(3))


def test_the_last_event_of_a_kind_wins(make_run) -> None:
    run = make_run()
    with RunWriter.reopen(run.path) as writer:
        writer.event("best", {"epoch": 9})
    assert snapshot(run).event("best") == {"epoch": 9}


@pytest.mark.parametrize("text", ["", "{", "[1]", "\udc80"])
def test_a_report_goes_without_a_recipe_and_an_environment(make_run, text: str) -> None:
    run = make_run()
    (run.path / "recipe.toml").unlink()
    (run.path / "environment.json").write_bytes(text.encode(errors="surrogateescape"))
    shot = snapshot(run)
    assert (shot.recipe, shot.environment, shot.setting("seed")) == ("", {}, "")


def test_a_chance_loss_that_is_no_number_is_none() -> None:
    assert Snapshot("a", Path("a"), meta={"chance_loss": math.nan}).chance_loss is None
