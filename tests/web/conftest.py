"""Real runs, requests made by hand, and one real server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.runs import RunWriter
from trainwell.search import Execution, Study, Trial, ValidationScores, make_space

FINDING = Finding(
    "rate_high", Severity.WARNING, "The rate is <b>too</b> high.", evidence={"rise": 1.8, "rise_limit": 1.1}, step=5
)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def write_run(folder: Path, name: str, *, steps: int = 30, finish: str | None = "ok") -> RunWriter:
    """Write a run of some steps; `finish=None` leaves it running, its lock held by the writer returned."""
    writer = RunWriter.create(folder, name, recipe_text='[data]\nsource = "digits"\n')
    facts = Facts(source="digits", model="mlp", kind="image", task="classify", chance_loss=2.3, epochs=3, steps=30)
    writer.describe(task="classify", main_score="accuracy", model="mlp", facts=facts)
    for step in range(1, steps + 1):
        writer.signal("loss/train", step, value=2.0 / step)
    writer.score(epoch=3, step=steps, split="validation", scores={"loss": 0.1, "accuracy": 0.9})
    writer.finding(FINDING)
    if finish:
        writer.finish(finish)
    else:
        writer.flush()
    return writer


def write_search(folder: Path, *, status: str = "ok", count: int = 3) -> None:
    folder.mkdir(parents=True)
    space = make_space({"optim.learning_rate": "log:1e-4..0.1"})
    points = [space.at([number / count]) for number in range(count)]
    trials = tuple(
        Trial(n, point, state="done", validation=ValidationScores(0.5 + 0.4 * n / count, {"loss": 1.0}))
        for n, point in enumerate(points)
    )
    spec = {"space": space.to_json(), "trials": count, "method": "sobol", "folds": 1, "main_score": "accuracy"}
    execution = Execution("population", "<i>quick</i>", status=status, seconds=3.0)
    Study(folder, spec, trials=trials, execution=execution).save()


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with one finished run, "done", and one finished search, "tried"."""
    write_run(tmp_path / "runs", "done")
    write_search(tmp_path / "runs" / "tried")
    return tmp_path / "runs"


@pytest.fixture
def new_search() -> Callable[..., None]:
    return write_search


@pytest.fixture
def new_run() -> Iterator[Callable[..., RunWriter]]:
    with contextlib.ExitStack() as stack:

        def make(*given: Any, **options: Any) -> RunWriter:
            writer = write_run(*given, **options)
            stack.callback(writer.finish, "ok")
            return writer

        yield make


async def request(app: Any, path: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> Answer:
    """Send one request to an ASGI application and collect the whole answer."""
    path, _, query = path.partition("?")
    given = {"host": "127.0.0.1:8000", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 8000),
    }
    sent: list[Any] = []
    never = asyncio.Event()

    async def receive() -> Any:
        if sent and sent[-1].get("type") == "http.response.body" and not sent[-1].get("more_body"):
            return {"type": "http.disconnect"}
        await never.wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """Send one request to an application, from a program without an event loop."""

    def once(app: Any, path: str, **options: Any) -> Answer:
        return asyncio.run(request(app, path, **options))

    return once


class Server(NamedTuple):
    process: subprocess.Popen[str]
    port: int
    link: str

    def raw(self, data: bytes, *, timeout: float = 5.0) -> bytes:
        """Send bytes and read until the server hangs up or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            received = b""
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                while part := connection.recv(65536):
                    received += part
            return received

    def get(self, path: str, *headers: str) -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers, "", ""]
        return self.raw("\r\n".join(lines).encode("latin-1"))

    def enter(self) -> str:
        """Use the link and return the cookie."""
        answer = self.get(self.link)
        found = re.search(rb"set-cookie: ([^;\r]+)", answer, re.IGNORECASE)
        assert found, answer
        return f"Cookie: {found[1].decode()}"


@contextlib.contextmanager
def serving(runs: Path, *, idle: float = 10.0) -> Iterator[Server]:
    code = (
        "from pathlib import Path; from trainwell.web import server; "
        f"server._IDLE_SECONDS = {idle}; server.serve(Path({str(runs)!r}), open_browser=False)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if match := re.search(r"http://127\.0\.0\.1:(\d+)(/\S+)", line):
                yield Server(process, int(match[1]), match[2])
                break
        else:
            raise AssertionError("the server did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        process.stderr.close()


@pytest.fixture
def server(runs: Path) -> Iterator[Server]:
    with serving(runs) as running:
        yield running


@pytest.fixture
def hasty_server(runs: Path) -> Iterator[Server]:
    """A server that hangs up on silent connections after half a second."""
    with serving(runs, idle=0.5) as running:
        yield running
