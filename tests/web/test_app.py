from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from trainwell.report import policy
from trainwell.runs import RunLock
from trainwell.web.access import Access
from trainwell.web.app import ASSETS, make_app
from trainwell.web.folder import run_id

DONE = run_id("done")


@pytest.fixture
def app(runs: Path) -> Any:
    access = Access(8000)
    guard = make_app(runs, port=8000, access=access)
    guard.cookie = {"cookie": access.set_cookie.decode().partition(";")[0]}  # type: ignore[attr-defined]
    return guard


@pytest.fixture
def get(app: Any, ask):
    return lambda path, **options: ask(app, path, headers=app.cookie | options.pop("headers", {}), **options)


def addresses(app: Any) -> list[str]:
    """Every address of the application, with real values for its parameters."""
    routes = [route for route in app._app.routes if isinstance(route, Route)]
    assert len(routes) == len(app._app.routes) > 5
    tried = [f"/studies/{run_id('tried')}" if "studies" in route.path else route.path for route in routes]
    return [path.replace("{identity}", DONE).replace("{name}", "app.js") for path in tried]


def test_no_address_answers_a_stranger(app: Any, ask) -> None:
    for address in addresses(app):
        answer = ask(app, address)
        assert answer.status == 403, address
        assert b"done" not in answer.body


def test_every_address_answers_a_known_browser(app: Any, get) -> None:
    for address in addresses(app):
        answer = get(address)
        assert answer.status == 200, address
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert get(address, method="HEAD").status == 200


def test_the_list_of_runs(get, runs: Path) -> None:
    found = json.loads(get("/api/runs").body)
    assert found["folder"] == str(runs)
    assert [(run["id"], run["name"]) for run in found["runs"]] == [(DONE, "done")]


def test_one_run_has_its_state_and_its_series(get) -> None:
    found = json.loads(get(f"/api/runs/{DONE}?points=10").body)
    assert found["status"] == "ok" and found["cursor"] == "0:30"
    assert 2 <= len(found["series"]["loss/train"]) <= 12


def test_a_damaged_run_has_a_page_that_says_so(get, runs: Path) -> None:
    (runs / "done" / "run.sqlite").write_bytes(b"junk" * 500)
    assert json.loads(get(f"/api/runs/{DONE}").body)["status"] == "damaged"
    assert get(f"/runs/{DONE}/report").status == 409


def test_searches_are_listed_and_shown(get, runs: Path, new_search) -> None:
    (line,) = json.loads(get("/api/runs").body)["studies"]
    assert (line["name"], line["trials"], line["status"], line["status_text"]) == ("tried", "3 of 3", "ok", "finished")
    assert (line["score_text"], line["score_title"]) == ("76.7 %", "accuracy") and "learning_rate" in line["settings"]
    page = get(f"/studies/{line['id']}")
    assert b"All trials" in page.body and b"&lt;i&gt;quick" in page.body and "refresh" not in page.headers
    new_search(runs / "going", status="running")
    (runs / "tried" / "study.json").write_text("{")
    with RunLock(runs / "going"):
        assert get(f"/studies/{run_id('going')}").headers["refresh"] == "5"
        assert {line["status"] for line in json.loads(get("/api/runs").body)["studies"]} == {"running", "damaged"}
    assert get(f"/studies/{run_id('tried')}").status == 409 and get(f"/studies/{run_id('done')}").status == 404


def test_a_search_that_was_killed_is_not_shown_as_going_on(get, runs: Path, new_search) -> None:
    new_search(runs / "going", status="running")
    with RunLock(runs / "going"):
        get("/api/runs")
    lines = {line["name"]: line["status"] for line in json.loads(get("/api/runs").body)["studies"]}
    assert lines["going"] == "interrupted"
    page = get(f"/studies/{run_id('going')}")
    assert b"continues it" in page.body and "refresh" not in page.headers


@pytest.mark.parametrize("points", ["1", "0", "-5", "x", "", "2001", "9" * 5000, "1e3", "٣", "10.0"])
def test_numbers_out_of_range_are_a_bad_request(get, points: str) -> None:
    assert get(f"/api/runs/{DONE}?points={points.encode().hex() if points == '٣' else points}").status == 400


@pytest.mark.parametrize("after", ["x", "1", "9" * 5000, "1:2:3"])
def test_a_cursor_that_is_none_is_a_bad_request(get, after: str) -> None:
    assert get(f"/api/runs/{DONE}/stream?after={after}").status == 400
    assert get(f"/api/runs/{DONE}/stream", headers={"last-event-id": after}).status == 400


def test_the_stream_is_an_event_stream(get) -> None:
    answer = get(f"/api/runs/{DONE}/stream?after=0:29")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.body.count(b"event: ") == 3 and b'"loss/train": [[30,' in answer.body


def test_the_report_brings_its_own_policy(get) -> None:
    answer = get(f"/runs/{DONE}/report")
    assert answer.headers["content-security-policy"] == f"{policy()}; frame-ancestors 'none'"
    assert b"The rate is &lt;b&gt;too&lt;/b&gt; high." in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/page.html",
        "/static/",
        "/static/app.js/x",
        "/static//etc/passwd",
        "/runs/..",
        "/runs/done",
        f"/runs/{DONE}x",
        f"/runs/{DONE.upper()}",
        "/runs/" + "0" * 16,
        "/api/runs/../../etc/passwd",
        "/api/runs/" + "a" * 5000,
        "/nothing",
        "/\x00",
    ],
)
def test_there_is_nothing_beside_the_known_addresses(get, path: str) -> None:
    assert get(path).status == 404


def test_assets_are_complete_and_refer_to_nothing_outside(get) -> None:
    page = get("/").body.decode()
    for name in ASSETS:
        answer = get(f"/static/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, ASSETS[name])
        text = answer.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text and "innerHTML" not in text and "eval(" not in text
        assert name == "chart.js" or f"/static/{name}" in page
    assert "<style" not in page and "style=" not in page and " onload" not in page
