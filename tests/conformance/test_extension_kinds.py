"""A kind of example and a network from outside the package: one file, one catalogue line each.

The plug-in runs in a process of its own, as a user's would: the catalogues of this one stay as they are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import trainwell

PLUGIN = '''
"""A plug-in: curves of different length as examples, and a network that averages what it sees over their points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.core.facts import InputFacts
from trainwell.data.kinds import KINDS, InputPreparation, Kind, Measurement, View
from trainwell.data.kinds.kind import Source
from trainwell.nn import MODELS, Network


class Curves(list):
    """A list of (length,) arrays."""

    def __getitem__(self, rows):
        return Curves(list.__getitem__(self, int(row)) for row in np.atleast_1d(np.arange(len(self))[rows]))

    def row(self, number):
        return list.__getitem__(self, number)


@dataclass(frozen=True)
class Scaled(InputPreparation):
    mean: float
    longest: int

    @property
    def facts(self):
        return InputFacts((self.longest, 1), max_length=self.longest)

    @property
    def feature_names(self):
        return ()

    def arrays(self, raw):
        rows = [raw.row(number)[: self.longest] - self.mean for number in range(len(raw))]
        length = max(len(row) for row in rows)
        padded = np.stack([np.pad(row, (0, length - len(row))) for row in rows])[..., None].astype(np.float32)
        return {"inputs": padded, "mask": np.arange(length) < np.array([len(row) for row in rows])[:, None]}

    def source(self, raw):
        def collate(rows):
            return Batch({name: torch.from_numpy(part) for name, part in self.arrays(raw[rows]).items()})

        return Source(collate=collate, lengths=np.array([len(raw.row(number)) for number in range(len(raw))]))

    def adopted(self, new):
        return self

    def view(self, prepared):
        return [View(values={"mean": float(row.mean())}) for row in prepared]

    def to_json(self):
        return {"mean": self.mean, "longest": self.longest}


class CurveKind(Kind):
    name = "curve"
    units = "curves"
    description = "curves"
    preparations = ("standardise",)

    def check(self, inputs, *, name, ids):
        return None

    def check_new(self, inputs, *, ids):
        return None

    def content(self, inputs):
        yield from inputs

    def fit(self, inputs, rows, settings, *, name, features):
        some = inputs[rows]
        return Scaled(float(np.concatenate(list(some)).mean()), max(map(len, some))), ("Curves are centred.",)

    def load(self, data):
        return Scaled(data["mean"], data["longest"])

    def usual(self, facts):
        return {"nn.model": ("averager", "curves differ in length"), "optim.learning_rate": (0.05, "measured")}

    def view(self, inputs, rows, features=()):
        return [View(values={"first": float(inputs.row(int(row))[0])}) for row in rows]

    def measure(self, inputs, features, most):
        return {"length": Measurement(np.array([len(curve) for curve in inputs], float), is_quantity=False)}

    def identity(self, inputs):
        return np.array([[curve.sum()] for curve in inputs])


class Averager(nn.Module):
    def __init__(self, channels, width, outputs):
        super().__init__()
        self.each = nn.Linear(channels, width)
        self.head = nn.Linear(width, outputs)

    def forward(self, inputs, mask=None):
        hidden = self.each(inputs).relu()
        weights = torch.ones(hidden.shape[:2]) if mask is None else mask.float()
        return self.head((hidden * weights[..., None]).sum(1) / weights.sum(1, keepdim=True))


def averager(facts, width, outputs):
    """Average the features of all points.

    Formula: W mean(relu(V x)) + b
    """
    return Averager(facts.shape[-1], width, outputs)


KINDS.register("curve", CurveKind())
MODELS.register(
    "averager",
    Network(
        build=lambda settings, facts, outputs: averager(facts, settings.width, outputs),
        page=averager,
        uses=("nn.width", "nn.initialisation"),
    ),
)
'''

SCRIPT = """
import json, sys

import numpy as np
import plugin
import trainwell as tw
from trainwell.cost import layers
from trainwell.data import KINDS, Examples, Preparation
from trainwell.fitting import choices
from trainwell.inspect.about import about
from trainwell.recipe import edit, without_effect

rng = np.random.default_rng(0)
targets = rng.integers(0, 2, 200)
curves = plugin.Curves(rng.normal(2 * target, 1, rng.integers(3, 9)) for target in targets)
examples = Examples("waves", KINDS["curve"], curves, targets, "classes", [f"c{i}" for i in range(200)], ("low", "high"))
run = tw.fit(examples, epochs=8, runs=sys.argv[1])
again = tw.Run.open(run.path)
found = tw.predict(run, curves[np.arange(20)])
right = np.mean([value == ("low", "high")[target] for value, target in zip(found.values, targets[:20])])
data = [event.detail for event in again.events() if event.kind == "data"][-1]
network = [event.detail for event in again.events() if event.kind == "network"][-1]
unused = edit(run.recipe, {"nn.hidden": (7,), "nn.dropout": 0.3})
print(json.dumps({
    "status": run.status,
    "model": run.recipe.nn.model,
    "learning_rate": run.recipe.optim.learning_rate,
    "accuracy": run.scores["validation"]["accuracy"],
    "right": right,
    "kind": data["kind"],
    "remarks": data["remarks"],
    "layers": [row["name"] for row in network["layers"]],
    "formula": about("model.averager").parts["Formula"],
    "unused": list(without_effect(unused, choices())),
}))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "plugin.py").write_text(PLUGIN)
    (folder / "script.py").write_text(SCRIPT)
    paths = os.pathsep.join([str(folder), str(Path(trainwell.__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, "script.py", str(folder / "runs")],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_kind_from_outside_trains_and_predicts_through_its_own_object(said: dict) -> None:
    assert said["status"] == "ok" and said["kind"] == "curve"
    assert said["accuracy"] > 0.8 and said["right"] > 0.8
    assert "Curves are centred." in said["remarks"]


def test_the_kind_chooses_its_network_and_the_network_is_traced_with_a_blank_batch(said: dict) -> None:
    assert said["model"] == "averager" and said["learning_rate"] == 0.05
    assert said["layers"] == ["each", "head"]


def test_the_network_says_itself_what_it_uses_and_has_a_page(said: dict) -> None:
    assert said["formula"] == "W mean(relu(V x)) + b"
    assert [text[:9] for text in said["unused"]] == ["nn.hidden", "nn.dropou"]
