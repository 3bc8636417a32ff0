from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series
from trainwell.runs import RunWriter
from trainwell.web.reading import Folder, _thin, history, news, run_id, state


def test_a_run_is_listed_with_its_score_and_problems(runs: Path) -> None:
    (line,) = Folder(runs).listing()
    assert (line["name"], line["status"], line["score"], line["problems"], line["hints"]) == ("done", "ok", 0.9, 1, 0)
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


def test_the_state_says_what_the_report_says(runs: Path) -> None:
    known = state(runs / "done")
    assert known["headline"] == "mlp on digits" and known["tone"] == "warning"
    (finding,) = known["findings"]
    assert finding["evidence"] == [["rise", 1.8, "1.1"]] and finding["title"] == "The rate is <b>too</b> high."


def test_a_run_that_still_trains_is_judged_at_once(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)
    for step in range(31, 40):
        writer.signal("loss/train", step, math.nan)
    writer.flush()
    assert "loss_not_finite" in [finding["rule"] for finding in state(writer.path)["findings"]]


@pytest.mark.parametrize("content", [b"", b"junk" * 1000])
def test_a_damaged_run_is_shown_as_damaged(runs: Path, content: bytes) -> None:
    (runs / "done" / "run.sqlite").write_bytes(content)
    known = state(runs / "done")
    assert known["status"] == "damaged" and known["reason"] and known["findings"] == []
    assert Folder(runs).listing()[0]["status"] == "damaged"


def test_history_and_news_fit_together(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)
    found = history(writer.path, 100)
    assert found["series"]["loss/train"][-1] == [30, 2.0 / 30]
    generation, row = map(int, found["cursor"].split(":"))
    writer.signal("loss/train", 31, math.inf)
    writer.flush()
    rows, last = news(writer.path, generation, row)
    assert rows == {"loss/train": [[31, None]]} and last > row
    assert news(writer.path, generation, last) == ({}, last)
    assert len((news(writer.path, generation, 0, limit=5)[0] or {})["loss/train"]) == 5


def test_a_rewound_run_is_noticed(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)
    generation, row = map(int, history(writer.path, 100)["cursor"].split(":"))
    writer.rewind(10)
    assert news(writer.path, generation, row) == (None, 0)
    again = history(writer.path, 100)
    assert again["cursor"].startswith(f"{generation + 1}:") and again["series"]["loss/train"][-1][0] == 10


def test_thinning_keeps_spikes_and_gaps() -> None:
    values = [0.0] * 10_000
    values[1234], values[5678] = 9.0, math.nan
    kept = _thin(Series(list(range(10_000)), values), 200)
    assert len(kept) < 320 and [1234, 9.0] in kept and [5678, None] in kept
    assert kept == sorted(kept, key=lambda point: point[0] or 0)


def test_whatever_a_run_says_fits_into_json(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "odd", finish=None)
    writer.finding(Finding("odd", Severity.ERROR, "a\udc80\x1b", evidence={"x\ud800": math.nan}, where=("\udfff",)))
    writer.event("data", {"source": "s\udc80", "labels": ["\ud800"]})
    writer.set_meta("model", "m\udc80")
    writer.signal("loss/\udc80x".encode("utf-8", "replace").decode(), 31, math.nan)
    writer.finish("failed", "because\udc80")
    for answer in (state(writer.path), history(writer.path, 100), Folder(tmp_path).listing()):
        json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
