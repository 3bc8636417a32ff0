"""A section of settings, an optimizer and a schedule from outside the package: one file each, one catalogue line.

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
"""A plug-in: signed gradient descent with momentum, and a learning rate that falls in teeth."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from trainwell.optim import OPTIMIZERS, SCHEDULES, Given, OptimizerEntry, ScheduleEntry
from trainwell.recipe import Limits, OnlyWith, register_section, setting


@dataclass(frozen=True)
class ToothRecipe:
    """How the learning rate falls."""

    teeth: int = setting(
        2, "falls of the learning rate in a run", limits=Limits(low=1), only_with=OnlyWith("optim.schedule")
    )


def relations(values):
    if values["tooth.teeth"] > values["train.epochs"]:
        yield f"tooth.teeth must be at most train.epochs = {values['train.epochs']}, got {values['tooth.teeth']}."


def tooth(*, teeth: int):
    """Fall to zero several times.

    Formula: r0 (1 - (k t/T mod 1))
    """
    return lambda progress: 1.0 - (teeth * progress) % 1.0


class Signed(torch.optim.Optimizer):
    """w <- w - r sign(v), v <- m v + g."""

    def __init__(self, groups, momentum):
        super().__init__(groups, {"lr": 1.0, "weight_decay": 0.0})
        self._momentum = momentum

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
                velocity.mul_(self._momentum).add_(p.grad + group["weight_decay"] * p)
                p.add_(velocity.sign(), alpha=-group["lr"])


def signed(given: Given, *, momentum: float) -> torch.optim.Optimizer:
    """Step by the sign of the velocity.

    Formula: v <- m v + g; w <- w - r sign(v)
    """
    return Signed(given.groups, momentum)


register_section("tooth", ToothRecipe, relations=relations)
SCHEDULES.register("tooth", ScheduleEntry(tooth))
OPTIMIZERS.register("signed", OptimizerEntry(signed, {"optim.learning_rate": (2e-3, "usual for signed")}))
'''

SCRIPT = """
import json, sys

import plugin
import trainwell as tw
from trainwell.core.errors import TrainwellError
from trainwell.fitting import choices, gather, plan
from trainwell.inspect.about import about
from trainwell.recipe import load_recipe, without_effect
from trainwell.search import FinalEvaluation, Options

NAMES = {"optim.name": "signed", "optim.schedule": "tooth", "optim.warmup": 0.0}


def mistake(edits):
    try:
        plan(gather("iris", edits))
    except TrainwellError as problem:
        return str(problem)


run = tw.fit("iris", epochs=20, runs=sys.argv[1], edits={**NAMES, "tooth.teeth": 4})
recipes = [run.recipe, tw.Run.open(run.path).recipe, load_recipe(run.path / "recipe.toml")]
space = {"optim.learning_rate": [0.001, 0.01], "tooth.teeth": [1, 2]}
options = Options({**NAMES, "train.epochs": 2}, evaluation=FinalEvaluation(train_winner=False))
study = tw.tune("iris", space, trials=4, runs=sys.argv[1], options=options)
unused = plan(gather("iris", {"tooth.teeth": 3, "optim.name": "signed", "optim.beta1": 0.5})).recipe
print(json.dumps({
    "status": run.status,
    "accuracy": run.scores["validation"]["accuracy"],
    "rates": dict(run.signals()["learning_rate"]),
    "learning_rate": run.recipe.optim.learning_rate,
    "teeth": [recipe.section("tooth").teeth for recipe in recipes],
    "trials": len(study.trials),
    "formula": about("optim.signed").parts["Formula"],
    "title": about("tooth.teeth").title,
    "unused": list(without_effect(unused, choices())),
    "mistakes": [
        mistake({"tooth.teeth": 0}),
        mistake({**NAMES, "tooth.teeth": 99, "train.epochs": 9}),
        mistake({"tooth.teth": 1}),
        mistake({"optim.name": "sgined"}),
    ],
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


def test_a_run_trains_with_all_three(said: dict) -> None:
    assert said["status"] == "ok" and said["accuracy"] > 0.8
    assert said["learning_rate"] == 2e-3, "the usual one of the optimizer"
    rates = {int(step): rate for step, rate in said["rates"].items()}
    falls = sum(later > rate for rate, later in zip(rates.values(), list(rates.values())[1:], strict=False))
    assert max(rates.values()) <= 2e-3 and falls == 3, "four teeth: the learning rate jumps up three times"


def test_its_settings_are_kept_in_the_run_and_searched(said: dict) -> None:
    assert said["teeth"] == [4, 4, 4]
    assert said["trials"] == 4


def test_it_has_pages(said: dict) -> None:
    assert said["formula"] == "v <- m v + g; w <- w - r sign(v)"
    assert said["title"] == "Falls of the learning rate in a run."


def test_settings_without_effect_are_reported(said: dict) -> None:
    beta1, teeth = sorted(said["unused"])
    assert beta1 == "optim.beta1 = 0.5 has no effect with optim.name = 'signed': only with adam, adamw."
    assert teeth == "tooth.teeth = 3 has no effect with optim.schedule = 'cosine': only with tooth."


def test_mistakes_are_named(said: dict) -> None:
    low, relation, key, name = said["mistakes"]
    assert low == "tooth.teeth must be at least 1, got 0."
    assert relation == "tooth.teeth must be at most train.epochs = 9, got 99."
    assert "Did you mean 'tooth.teeth'?" in key
    assert "Did you mean 'signed'?" in name
