from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from trainwell.web import live
from trainwell.web.live import Cursor, Stream, events


@pytest.fixture(autouse=True)
def hurried(monkeypatch) -> None:
    """Look often and judge often: the tests wait for nobody."""
    monkeypatch.setattr(live, "_TICK", 0.01)
    monkeypatch.setattr(live, "_DIAGNOSE", 0.05)


def parsed(text: str) -> tuple[str, str, Any]:
    """Read one event as (kind, id, data)."""
    if text.startswith(":"):
        return "comment", "", text.strip(": \n")
    fields = dict(line.partition(": ")[::2] for line in text.strip().splitlines())
    return fields.get("event", ""), fields.get("id", ""), json.loads(fields.get("data", "null"))


def collect(path: Path, cursor: Cursor, *, until: str, act: Any = None, most: int = 200) -> list[tuple[str, str, Any]]:
    """Read events until one of a kind came; `act` is called after each."""

    async def read() -> list[tuple[str, str, Any]]:
        found = []
        async for text in events(path, cursor):
            found.append(parsed(text))
            if act:
                act(found)
            if found[-1][0] == until or len(found) > most:
                return found
        return found

    return asyncio.run(asyncio.wait_for(read(), 20))


@pytest.mark.parametrize("text", ["", "1", "a:b", "-1:2", "1:2:3", "1: 2", "9" * 19 + ":1", "١:٢", "1:2\n"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    assert Cursor.parse(text) is None


def test_a_finished_run_is_told_to_its_end(runs: Path) -> None:
    found = collect(runs / "done", Cursor(0, 0), until="end")
    assert [kind for kind, _, _ in found] == ["", "rows", "state", "end"]
    _, place, rows = found[1]
    assert len(rows["loss/train"]) == 30 and Cursor.parse(place) == Cursor(0, 30)
    assert found[2][2]["status"] == "ok"


def test_a_stream_goes_on_where_the_browser_left(runs: Path) -> None:
    found = collect(runs / "done", Cursor(0, 28), until="end")
    assert [step for step, _ in found[1][2]["loss/train"]] == [29, 30]


def test_new_rows_come_while_the_run_goes_on(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)

    def act(found: list[Any]) -> None:
        if len(found) == 3:  # retry, rows, state
            writer.signal("loss/train", 31, value=0.5)
            writer.flush()
        if found[-1][0] == "rows" and len(found) > 3:
            writer.finish("ok")

    found = collect(writer.path, Cursor(0, 0), until="end", act=act)
    rows = [data for kind, _, data in found if kind == "rows"]
    assert rows[-1] == {"loss/train": [[31, 0.5]]}
    assert [data["status"] for kind, _, data in found if kind == "state"][-1] == "ok"


def test_a_rewound_run_asks_the_browser_to_start_afresh(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "going", finish=None)
    found = collect(writer.path, Cursor(0, 0), until="resync", act=lambda found: len(found) == 3 and writer.rewind(5))
    assert found[-1][0] == "resync"
    assert collect(writer.path, Cursor(0, 30), until="resync")[-1][0] == "resync"


def test_a_portion_is_bounded(tmp_path: Path, new_run) -> None:
    writer = new_run(tmp_path, "long", steps=9000)
    found = collect(writer.path, Cursor(0, 0), until="end")
    portions = [len(data["loss/train"]) for kind, _, data in found if kind == "rows"]
    assert sum(portions) == 9000 and max(portions) <= 4000


def test_silence_is_broken_by_a_comment(tmp_path: Path, new_run, monkeypatch) -> None:
    monkeypatch.setattr(live, "_PING", 0.0)
    monkeypatch.setattr(live, "_DIAGNOSE", 100.0)
    writer = new_run(tmp_path, "going", finish=None)
    found = collect(writer.path, Cursor(0, 30), until="comment")
    assert found[-1] == ("comment", "", "ping")


def test_a_run_that_disappears_ends_the_stream(runs: Path) -> None:
    (runs / "done" / "run.sqlite").unlink()
    found = collect(runs / "done", Cursor(0, 0), until="end")
    assert found[-2][2]["status"] == "damaged"


def test_a_browser_that_stops_reading_is_dropped(monkeypatch) -> None:
    monkeypatch.setattr(live, "_SEND_TIMEOUT", 0.05)

    async def endless() -> Any:
        while True:
            yield "x"

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    asyncio.run(asyncio.wait_for(Stream(endless())(scope, receive, send), 5))
