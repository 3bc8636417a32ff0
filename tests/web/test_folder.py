from __future__ import annotations

import json
import os
from pathlib import Path

from trainwell.core.finding import Finding, Severity
from trainwell.runs import RunWriter
from trainwell.web.folder import Folder, run_id, stamp


def test_a_run_is_listed_with_its_score_and_problems(runs: Path) -> None:
    (line,) = Folder(runs).listing()
    assert (line["name"], line["status"], line["status_text"]) == ("done", "ok", "finished")
    assert (line["score_text"], line["score_title"]) == ("90.0 %", "accuracy")
    assert (line["problems"], line["findings_text"]) == (1, "1 problem")
    assert json.dumps(line, allow_nan=False)


def test_a_folder_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "none")
    assert folder.listing() == [] and folder.find("0" * 16) is None


def test_findings_are_counted_anew_when_they_change(runs: Path) -> None:
    folder = Folder(runs)
    assert folder.listing()[0]["problems"] == 1
    with RunWriter.reopen(runs / "done") as writer:
        writer.finding(Finding("other", Severity.ERROR, "Another."))
    assert folder.listing()[0]["problems"] == 2


def test_only_listed_names_are_found(runs: Path, tmp_path: Path) -> None:
    folder = Folder(runs)
    assert folder.find(run_id("done")) == runs / "done"
    (runs / "empty").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "run.sqlite").write_bytes(b"")
    os.symlink(tmp_path / "outside", runs / "link")
    for name in ("empty", "link", "..", ".", "../outside", "", "done/../done", str(tmp_path / "outside")):
        assert folder.find(run_id(name)) is None
    assert "link" not in [line["name"] for line in folder.listing()]


def test_a_run_that_still_trains_is_not_counted_yet(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path, "going", recipe_text="")
    assert Folder(tmp_path).listing()[0]["findings_text"] == "–"
    writer.finding(Finding("host_syncs", Severity.INFO, "Slow."))
    writer.finish("ok")
    assert Folder(tmp_path).listing()[0]["findings_text"] == "1 hint"


def test_the_stamp_changes_with_the_store(runs: Path) -> None:
    before = stamp(runs / "done")
    with RunWriter.reopen(runs / "done") as writer:
        writer.event("best", {"epoch": 1})
    assert stamp(runs / "done") != before and stamp(runs / "none") == (0, 0, 0, 0)
