"""A real browser, a real server, real runs; without chromium these tests skip and say so."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.runs import RunWriter

CHROMIUM = "/usr/bin/chromium"
PAYLOADS = (
    "<script>window.__pwn=1</script>",
    "<img src=x onerror=window.__pwn=1>",
    "\"'><svg onload=window.__pwn=1>",
    "</title></style></script><script>window.__pwn=1</script>",
    "javascript:window.__pwn=1",
    "[x](javascript:window.__pwn=1)",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the tests of a file; each takes a context of its own.

    Not for the session: while playwright is up, this thread counts as inside an event loop, and other tests need one.
    """
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="browser tests need playwright: pip install playwright"
    )
    if not Path(CHROMIUM).exists():
        pytest.skip(f"browser tests need {CHROMIUM}: apt-get install chromium")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


class Tab:
    """A page that remembers everything it should never have seen."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        self.addresses: list[str] = []
        page.on(
            "console",
            lambda message: self.errors.append(message.text) if message.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.addresses.append(request.url))

    def strangers(self, *, home: str) -> list[str]:
        """Return the addresses asked for that do not begin with `home`."""
        return [address for address in self.addresses if not address.startswith((home, "data:"))]


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Tab]]:
    """Open tabs with options of a browser context; every request that leaves the machine is refused."""
    contexts = []

    def open_tab(**options: Any) -> Tab:
        context = browser.new_context(
            **({"viewport": {"width": 1200, "height": 900}, "reduced_motion": "reduce"} | options)
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        return Tab(context.new_page())

    yield open_tab
    for context in contexts:
        context.close()


def write(folder: Path, name: str, *, text: str = "plain", finish: str | None = "ok") -> RunWriter:
    """Write a run that has everything, with `text` in every place a stranger may fill."""
    writer = RunWriter.create(folder, name, recipe_text=f"# {text}\n")
    sizes = {"train": 100, "validation": 20, "test": 50}
    facts = Facts(
        source="digits", model="mlp", kind="image", task="classify", sizes=sizes, chance_loss=math.log(3), epochs=12
    )
    writer.describe(task="classify", main_score="accuracy", model=text, facts=facts)
    for step in range(1, 121):
        writer.signal("loss/train", step, value=1.1 * math.exp(-step / 40) + 0.02 * math.sin(step))
        writer.signal("learning_rate", step, value=0.01)
        writer.signal("grad/norm", step, value=1 + math.sin(step / 9) ** 2)
        writer.signal(f"activation/mean/{text}", step, value=0.1)
        if step % 10 == 0:
            for series, value in (("loss/train_epoch", 1.1), ("loss/validation", 1.3)):
                writer.signal(series, step, value=value * math.exp(-step / 40) + 0.05)
            for split, value in (("train", 0.9), ("validation", 0.8)):
                writer.signal(f"score/{split}/accuracy", step, value=1 - value * math.exp(-step / 30))
    for split, value in (("train", 0.99), ("validation", 0.9), ("test", 0.88)):
        writer.score(epoch=12, step=120, split=split, scores={"loss": 1 - value, "accuracy": value})
    labels = [f"{text} {number}" for number in range(3)]
    writer.event(
        "data",
        {"source": text, "kind": "image", "labels": labels, "sizes": sizes, "remarks": [text], "fingerprint": text},
    )
    writer.event(
        "network",
        {"model": text, "parameters": 5, "layers": [{"name": text, "type": text, "output": [3], "parameters": 5}]},
    )
    writer.event("confusion", {"split": "test", "labels": labels, "matrix": [[20, 0, 0], [1, 9, 3], [0, 2, 15]]})
    rows: list[dict[str, Any]] = [
        {"label": label, "precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 9} for label in labels
    ]
    writer.event("per_class", {"split": "test", "rows": rows})
    rows = [
        {
            "id": text,
            "true": text,
            "predicted": labels[0],
            "confidence": 0.9,
            "loss": 2.0,
            "image": text,
            "row": {text: text},
        }
    ]
    writer.event("mistakes", {"split": "test", "rows": rows})
    writer.event("baselines", {"main": "accuracy", "rows": [{"name": text, "scores": {"accuracy": 0.4}}]})
    writer.event("stopped", {"why": text})
    writer.finding(
        Finding(
            "rate_high",
            Severity.WARNING,
            f"The rate: {text}",
            evidence={text: 1.0},
            where=(text,),
            step=3,
            explains=(),
            remedies=(text,),
        )
    )
    if finish:
        writer.finish(finish, text)
    else:
        writer.flush()
    return writer


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two finished runs: one plain, one hostile."""
    folder = tmp_path_factory.mktemp("browser") / "runs"
    write(folder, "plain")
    write(folder, "hostile", text=" ".join(PAYLOADS), finish="failed")
    return folder


@pytest.fixture
def going(runs: Path) -> Iterator[RunWriter]:
    """A run that is still being written."""
    writer = write(runs, f"going-{os.urandom(3).hex()}", finish=None)
    yield writer
    writer.finish("ok")


@pytest.fixture(scope="session")
def enter(runs: Path) -> Iterator[Callable[[Any], str]]:
    """Let a page in: the link is good for one browser, so the cookie is carried from the first to the others."""
    code = f"from pathlib import Path; from trainwell.web import serve; serve(Path({str(runs)!r}), open_browser=False)"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    match = None
    for line in process.stderr:
        if match := re.search(r"(http://127\.0\.0\.1:\d+)(/\S+)", line):
            break
    assert match, "the server did not start"
    cookies: list[Any] = []

    def let_in(page: Any) -> str:
        if cookies:
            page.context.add_cookies(cookies)
            page.goto(match[1] + "/")
        else:
            page.goto(match[1] + match[2])
            cookies.extend(page.context.cookies())
        page.wait_for_selector("body[data-ready='1']")
        return match[1]

    yield let_in
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=10)
    process.stderr.close()
