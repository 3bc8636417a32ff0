"""Real runs, written by the one writer, and a reader of pages."""

from __future__ import annotations

import html.parser
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.runs import Run, RunWriter
from trainwell.runs.snapshot import Snapshot, snapshot

RECIPE = 'seed = 7\n\n[data]\nsource = "digits"\n\n[nn]\nmodel = "mlp"\n'
LABELS = ["cat", "dog", "eel"]
IMAGE = "data:image/png;base64,iVBORw0KGgo="
FINDINGS = (
    Finding("noise", Severity.ERROR, "The loss jumps.", evidence={"spread": 0.4}, where=(), step=9),
    Finding(
        "rate_high",
        Severity.WARNING,
        "The rate is too high.",
        evidence={"rise": 1.84, "rise_threshold": 1.1},
        where=("layers.0", "layers.2"),
        step=5,
        explains=("noise",),
        remedies=("lower_rate", "zero_the_gradients"),
    ),
)


def events() -> dict[str, dict[str, Any]]:
    """Every event of a finished classification, with small numbers."""
    return {
        "data": {
            "source": "pets/",
            "kind": "image",
            "task": "classify",
            "labels": LABELS,
            "sizes": {"train": 100, "validation": 20, "test": 50},
            "input_shape": [1, 8, 8],
            "features": [],
            "remarks": ["Two images are equal."],
            "fingerprint": "sha256:abc",
        },
        "network": {
            "model": "mlp",
            "parameters": 26122,
            "layers": [{"name": "layers.0", "type": "Linear", "output": [128], "parameters": 8320}],
        },
        "confusion": {"split": "test", "labels": LABELS, "matrix": [[20, 0, 0], [1, 9, 3], [0, 2, 15]]},
        "per_class": {
            "split": "test",
            "rows": [
                {"label": "cat", "precision": 0.95, "recall": 1.0, "f1": 0.97, "support": 20},
                {"label": "dog", "precision": 0.82, "recall": 0.69, "f1": 0.75, "support": 13},
                {"label": "eel", "precision": None, "recall": None, "f1": None, "support": 0},
            ],
        },
        "mistakes": {
            "split": "test",
            "rows": [
                {
                    "id": 3,
                    "true": "dog",
                    "predicted": "eel",
                    "confidence": 0.91,
                    "loss": 2.4,
                    "image": IMAGE,
                    "row": None,
                }
            ],
        },
        "baselines": {
            "main": "accuracy",
            "rows": [
                {"name": "majority class", "scores": {"accuracy": 0.4}},
                {"name": "logistic regression", "scores": {"accuracy": 0.8}},
            ],
        },
        "best": {"epoch": 2, "step": 20, "score": "accuracy", "value": 0.9},
        "checkpoint": {"step": 30, "seconds": 0.1},
    }


@pytest.fixture
def two_findings() -> tuple[Finding, ...]:
    """A symptom, and the cause that explains it."""
    return FINDINGS


@pytest.fixture
def all_events() -> dict[str, dict[str, Any]]:
    return events()


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Write a run of three epochs of ten steps and open it; see the arguments for what may differ."""

    def make(
        name: str = "pets", *, status: str = "ok", reason: str = "", findings: tuple[Finding, ...] = (), **changed: Any
    ) -> Run:
        writer = RunWriter.create(tmp_path / "runs", name, recipe_text=RECIPE)
        facts = Facts(kind="image", task="classify", chance_loss=math.log(3), epochs=3, steps=30)
        writer.describe(task="classify", main_score="accuracy", model="mlp", facts=facts)
        for step in range(1, 31):
            writer.signal("loss/train", step, value=1.1 / step)
            writer.signal("learning_rate", step, value=0.01)
            writer.signal("grad/norm", step, value=2.0 / step)
            writer.signal("update/ratio/layers.0.weight", step, value=1e-3)
            if step % 10 == 0:
                epoch = step // 10
                writer.signal("loss/train_epoch", step, value=1.0 / epoch)
                writer.signal("loss/validation", step, value=1.2 / epoch)
                writer.signal("score/train/accuracy", step, value=1 - 0.3 / epoch)
                writer.signal("score/validation/accuracy", step, value=1 - 0.4 / epoch)
        writer.set_meta("steps", 30)
        for split, value in (("train", 0.99), ("validation", 0.9), ("test", 0.88)):
            writer.score(epoch=3, step=30, split=split, scores={"loss": 1 - value, "accuracy": value})
        for kind, detail in (events() | changed).items():
            if detail is not None:
                writer.event(kind, detail)
        for finding in findings:
            writer.finding(finding)
        if status == "running":
            writer.flush()
            kept.append(writer)
        else:
            writer.finish(status, reason)
        return Run.open(writer.path)

    kept: list[RunWriter] = []
    return make


@pytest.fixture
def shot(make_run: Callable[..., Run]) -> Snapshot:
    """A finished run without findings."""
    return snapshot(make_run())


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser would: its elements in order, and the text in each kind of element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.elements if name == tag)


@pytest.fixture
def read() -> type[Reader]:
    return Reader
