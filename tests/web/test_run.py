from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Series
from trainwell.report import summary
from trainwell.runs import Run
from trainwell.web.folder import Folder
from trainwell.web.run import _thin, history, news, state


def test_the_state_says_what_the_report_says(runs: Path) -> None:
    known = state(runs / "done")
    assert known["headline"] == "mlp on digits" and known["tone"] == "warning"
    (finding,) = known["findings"]
    assert finding["evidence"] == [["rise", "1.8", "1.1"]] and finding["title"] == "The rate is <b>too</b> high."
    assert (finding["kind"], finding["severity"], finding["since"]) == ("warning", "Warning", "first seen at step 5")


def test_findings_are_those_of_the_terminal_with_lines_and_repairs(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "sick", finish=None)
    writer.finding(
        Finding(
            "missing_zero_grad",
            Severity.ERROR,
            "Gradients accumulate.",
            evidence={"ratio": 3.0, "ratio_limit": 1.0},
            where=("train.py:7",),
            explains=("loss_explodes",),
            source_lines={"train.py:7": "loss.backward()"},
            remedies=("lower_rate",),
        )
    )
    writer.finding(Finding("loss_explodes", Severity.ERROR, "The loss explodes."))
    writer.finding(Finding("host_syncs", Severity.INFO, "Slow."))
    writer.finish("ok")
    found = state(writer.path)["findings"]
    assert [one["rule"] for one in found] == ["missing_zero_grad", "rate_high", "host_syncs"]
    assert found[0]["source_lines"] == [["train.py:7", "loss.backward()"]]
    assert found[0]["symptoms"] == ["The loss explodes."]
    text = summary(Run.open(writer.path))
    for one in found:
        assert f"{one['severity'].lower()}: {one['title']}" in text
        for name, value, limit in one["evidence"]:
            assert f"{name} {value} (limit {limit})" in text
        for title, change in one["repairs"]:
            assert title.split()[0] in text and change in text
    assert text.count("\nerror: ") + text.count("\nwarning: ") == Folder(tmp_path).listing()[0]["problems"] == 2


def test_a_run_that_still_trains_is_judged_at_once(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)
    for step in range(31, 40):
        writer.signal("loss/train", step, value=math.nan)
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
    writer.signal("loss/train", 31, value=math.inf)
    writer.flush()
    rows, last = news(writer.path, generation, after=row)
    assert rows == {"loss/train": [[31, None]]} and last > row
    assert news(writer.path, generation, after=last) == ({}, last)
    assert len((news(writer.path, generation, after=0, limit=5)[0] or {})["loss/train"]) == 5


def test_a_rewound_run_is_noticed(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)
    generation, row = map(int, history(writer.path, 100)["cursor"].split(":"))
    writer.rewind(10)
    assert news(writer.path, generation, after=row) == (None, 0)
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
    writer.signal("loss/\udc80x".encode("utf-8", "replace").decode(), 31, value=math.nan)
    writer.finish("failed", "because\udc80")
    for answer in (state(writer.path), history(writer.path, 100), Folder(tmp_path).listing()):
        json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()
