"""fit and resume, from data to a run on disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainwell as tw
from trainwell.core.errors import DivergedError, StorageError, UsageError
from trainwell.fitting.fit import Silent
from trainwell.runs import Run

QUICK = {"train.epochs": 3, "train.checkpoint_seconds": 1e9}


def weights(run) -> str:
    return hashlib.sha256((run.path / "model" / "weights.safetensors").read_bytes()).hexdigest()


def test_a_run_holds_everything(tmp_path) -> None:
    run = tw.fit("iris", epochs=3, runs=tmp_path, name="first")
    assert run.status == "ok" and run.path == tmp_path / "first"
    for name in (
        "recipe.toml",
        "environment.json",
        "run.sqlite",
        "model/weights.safetensors",
        "model/preparation.json",
    ):
        assert (run.path / name).is_file(), name
    assert set(run.scores) == {"train", "validation", "test"}
    assert run.scores["test"].keys() >= {"accuracy", "f1_macro", "loss"}
    assert run.recipe.train.epochs == 3
    assert run.steps == 3 * run.facts.steps // run.facts.epochs
    kinds = {event.kind for event in run.events()}
    assert {"data", "network", "confusion", "per_class", "mistakes", "baselines", "best"} <= kinds
    json.dumps(run.to_json(), allow_nan=False)


def test_digits_reach_97_percent_on_the_sealed_test_split(tmp_path) -> None:
    run = tw.fit("digits", runs=tmp_path)
    assert run.scores["test"]["accuracy"] >= 0.97
    assert not [finding for finding in run.findings if finding.severity != "info"]


def test_logistic_regression_reaches_scikit_learns_loss(tmp_path) -> None:
    """docs/curriculum.md, A1: the loss is convex, so both must find the same minimum."""
    from sklearn.linear_model import LogisticRegression

    from trainwell.fitting.build import build_parts
    from trainwell.fitting.plan import gather, plan

    edits = {
        "nn.model": "logistic", "optim.name": "adam", "optim.learning_rate": 0.1, "optim.weight_decay": 0.0,
        "train.epochs": 3000, "train.batch_size": 1000, "train.patience": 0, "data.validation": 0.0, "data.test": 0.0,
        "train.checkpoint_seconds": 1e9, "optim.warmup": 0.0,
    }  # fmt: skip
    parts = build_parts(plan(gather("breast-cancer", edits)))
    batch = next(iter(parts.data.splits["train"].epoch(0)))
    x, y = batch.inputs.numpy(), batch.targets.numpy()
    # Both without a penalty would run to infinity on separable data: give both the same ridge term.
    strength = 1e-2
    reference = LogisticRegression(C=1 / (strength * len(x)), max_iter=10_000, tol=1e-10).fit(x, y)

    def objective(w, b):
        z = x @ w + b
        return np.mean(np.logaddexp(0, z) - y * z) + strength / 2 * (w @ w)

    run = tw.fit("breast-cancer", edits=edits | {"optim.weight_decay": strength}, runs=tmp_path)
    head = run.model().head
    ours = objective(head.weight.detach().numpy()[0].astype(float), head.bias.item())
    assert ours == pytest.approx(objective(reference.coef_[0], reference.intercept_[0]), abs=1e-4)


def test_the_same_recipe_data_and_seed_give_the_same_network(tmp_path) -> None:
    first, second = (tw.fit("wine", edits=QUICK, runs=tmp_path) for _ in range(2))
    assert weights(first) == weights(second)
    other = tw.fit("wine", edits=QUICK | {"seed": 1}, runs=tmp_path)
    assert weights(other) != weights(first)


def test_the_recipe_a_run_wrote_trains_the_same_network_again(tmp_path) -> None:
    first = tw.fit("wine", edits=QUICK | {"nn.dropout": 0.3}, runs=tmp_path)
    assert weights(tw.fit(first.path / "recipe.toml", runs=tmp_path)) == weights(first)


def test_arrays_tensors_and_an_own_network(tmp_path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 3))
    run = tw.fit((torch.from_numpy(x), torch.from_numpy(y)), net, epochs=40, runs=tmp_path)
    assert run.scores["test"]["accuracy"] > 0.8
    assert run.recipe.nn.model == "custom"
    with pytest.raises(UsageError, match="given from Python"):
        run.model()
    fresh = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 3))
    loaded = run.model(fresh)
    assert torch.equal(loaded[0].weight, net[0].weight)


@pytest.mark.parametrize("workers", [0, 2])
def test_loaders_and_an_own_network(tmp_path, workers) -> None:
    x = torch.randn(120, 4)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loaders = {
        name: DataLoader(TensorDataset(x[part], y[part]), batch_size=16, shuffle=name == "train", num_workers=workers)
        for name, part in (("train", slice(0, 80)), ("validation", slice(80, 120)))
    }
    run = tw.fit(loaders, nn.Linear(4, 2), epochs=15, runs=tmp_path, edits={"optim.learning_rate": 0.05})
    assert run.task == "classify"
    assert run.scores["validation"]["accuracy"] > 0.8


def test_loaders_without_a_network_or_with_wrong_names(tmp_path) -> None:
    with pytest.raises(UsageError, match="needs your own network"):
        tw.fit({"train": []}, runs=tmp_path)
    with pytest.raises(UsageError, match="train, validation or test"):
        tw.fit({"train": [], "valid": []}, nn.Linear(1, 1), runs=tmp_path)


def test_regression_scores_are_in_the_targets_unit(tmp_path) -> None:
    run = tw.fit("diabetes", runs=tmp_path, edits={"train.checkpoint_seconds": 1e9})
    assert run.scores["test"]["r2"] > 0.25
    assert run.scores["test"]["mean_squared_error"] > 1000  # disease progression squared, not standardised
    assert [event for event in run.events() if event.kind == "residuals"]


def test_multilabel(tmp_path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    run = tw.fit((x, (x[:, :3] > 0).astype(np.uint8)), epochs=30, runs=tmp_path)
    assert run.task == "multilabel"
    assert run.scores["test"]["f1_macro"] > 0.85


def test_divergence_fails_with_findings_and_a_reason(tmp_path) -> None:
    edits = {"optim.name": "sgd", "optim.learning_rate": 1e20, "optim.warmup": 0.0, "train.epochs": 3}
    with pytest.raises(DivergedError) as caught:
        tw.fit("iris", edits=edits, runs=tmp_path)
    run = Run.open(caught.value.run)
    assert run.status == "failed"
    assert "learning rate" in run.reason
    assert {finding.rule for finding in run.findings} & {"loss_not_finite", "learning_rate_too_high", "loss_diverges"}


class Stop(Silent):
    """Sends a signal at a step, as a person or a scheduler would."""

    def __init__(self, at: int, number: int) -> None:
        self.at, self.number = at, number

    def step(self, step: int, epoch: int) -> None:
        if step == self.at:
            os.kill(os.getpid(), self.number)


def test_a_stopped_run_resumes_bit_for_bit_with_its_history(tmp_path) -> None:
    edits = {"train.epochs": 6, "nn.dropout": 0.2, "data.shift": 1, "train.ema": 0.9, "train.clip_norm": 1.0}
    whole = tw.fit("digits", edits=edits, runs=tmp_path, name="whole")
    with pytest.raises(tw.TrainwellError) as caught:
        tw.fit("digits", edits=edits, runs=tmp_path, name="cut", display=Stop(50, signal.SIGTERM))
    assert caught.value.exit_code == 143
    assert Run.open(tmp_path / "cut").status == "interrupted"
    with pytest.raises(tw.TrainwellError):
        tw.resume(tmp_path / "cut", display=Stop(77, signal.SIGINT))
    resumed = tw.resume(tmp_path / "cut")
    assert weights(resumed) == weights(whole)
    assert resumed.scores == whole.scores
    for name in ("loss/train_epoch", "loss/validation", "score/validation/accuracy"):
        assert resumed.signals()[name].values == whole.signals()[name].values


CHILD = """
import sys, trainwell as tw
tw.fit("digits", runs=sys.argv[1], name="killed",
       edits={"train.epochs": 40, "train.checkpoint_seconds": 0.05, "train.patience": 0, "nn.dropout": 0.2})
"""


def test_kill_nine_loses_nothing_but_the_last_moments(tmp_path) -> None:
    edits = {"train.epochs": 40, "train.checkpoint_seconds": 0.05, "train.patience": 0, "nn.dropout": 0.2}
    whole = tw.fit("digits", edits=edits, runs=tmp_path, name="whole")
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)])
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.poll() is None:
        if checkpoints.is_dir() and any(path.name.startswith("step-") for path in checkpoints.iterdir()):
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert Run.open(tmp_path / "killed").status == "killed"
    assert weights(tw.resume(tmp_path / "killed")) == weights(whole)


def test_a_finished_run_is_not_resumed(tmp_path) -> None:
    run = tw.fit("iris", edits=QUICK, runs=tmp_path)
    with pytest.raises(UsageError, match="is finished"):
        tw.resume(run.path)


def test_data_that_changed_are_refused_on_resume(tmp_path) -> None:
    table = tmp_path / "t.csv"
    rows = [f"{i % 7},{i % 3},{'ab'[i % 2]}" for i in range(200)]
    table.write_text("x,y,c\n" + "\n".join(rows))
    with pytest.raises(tw.TrainwellError):
        tw.fit(table, edits={"train.epochs": 50}, runs=tmp_path, name="r", display=Stop(20, signal.SIGTERM))
    table.write_text("x,y,c\n" + "\n".join(rows[:-1]))
    with pytest.raises(StorageError, match="have changed since"):
        tw.resume(tmp_path / "r")


def test_a_failure_before_the_first_step_leaves_no_half_run(tmp_path) -> None:
    with pytest.raises(UsageError, match="lenet5 needs images"):
        tw.fit("iris", edits={"nn.model": "lenet5"}, runs=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_signal_after_the_last_step_loses_nothing(tmp_path, monkeypatch) -> None:
    fit_module = sys.modules["trainwell.fitting.fit"]
    original = fit_module.save_model

    def save(*arguments, **named):
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments, **named)

    monkeypatch.setattr(fit_module, "save_model", save)
    with pytest.raises(tw.TrainwellError, match="resume with: trainwell fit --resume") as caught:
        tw.fit("iris", edits=QUICK, runs=tmp_path, name="late")
    assert caught.value.exit_code == 143 and caught.value.run == tmp_path / "late"
    monkeypatch.undo()
    whole = tw.fit("iris", edits=QUICK, runs=tmp_path, name="whole")
    assert weights(tw.resume(tmp_path / "late")) == weights(whole)


@pytest.mark.parametrize(
    ("targets", "width"), [(torch.randn(64), 1), (torch.arange(64) % 2, 1), (torch.arange(64) % 3, 3)]
)
def test_a_loader_run_with_an_inferred_task_resumes(tmp_path, targets, width) -> None:
    x = torch.randn(64, 4)

    def make():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, width))

    def loaders():
        return {"train": DataLoader(TensorDataset(x, targets), batch_size=8, shuffle=True)}

    edits = {"train.epochs": 4, "train.ema": 0.9}
    whole = tw.fit(loaders(), make(), edits=edits, runs=tmp_path, name="whole")
    with pytest.raises(tw.TrainwellError):
        tw.fit(loaders(), make(), edits=edits, runs=tmp_path, name="cut", display=Stop(13, signal.SIGTERM))
    assert weights(tw.resume(tmp_path / "cut", loaders(), model=make())) == weights(whole)


@pytest.mark.parametrize(
    ("data", "edits"),
    [
        ("iris", {"data.flip": True}),
        ("iris", {"train.device": "cuda:7"}),
        ("iris", {"nn.hidden": [2**31 - 1]}),
        ((np.zeros((8, 2)), np.arange(8) % 2), {"optim.name": "adamm"}),
        (np.zeros((3, 3)), {}),
        (7, {}),
    ],
)
def test_what_cannot_be_trained_is_refused_before_a_run_is_made(tmp_path, data, edits) -> None:
    with pytest.raises(UsageError):
        tw.fit(data, edits=edits, runs=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_run_started_elsewhere_finds_its_data_again(tmp_path, monkeypatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    np.savez(tmp_path / "a" / "d.npz", X=np.random.default_rng(0).normal(size=(90, 3)), y=np.arange(90) % 2)
    monkeypatch.chdir(tmp_path / "a")
    with pytest.raises(tw.TrainwellError):
        tw.fit("d.npz", edits={"train.epochs": 9}, runs=tmp_path, name="r", display=Stop(5, signal.SIGTERM))
    monkeypatch.chdir(tmp_path / "b")
    assert tw.resume(tmp_path / "r").status == "ok"


def test_watching_changes_no_weight(tmp_path) -> None:
    watched = tw.fit("wine", edits=QUICK, runs=tmp_path)
    alone = tw.fit("wine", edits=QUICK | {"watch.budget": 0.0}, runs=tmp_path)
    assert weights(watched) == weights(alone)
    assert len(watched.signals()) > len(alone.signals())


def test_the_test_split_is_looked_at_once(tmp_path, monkeypatch) -> None:
    from trainwell.train import after_step

    seen = []
    original = after_step.evaluate
    monkeypatch.setattr(
        after_step, "evaluate", lambda *a, **k: seen.append(len(k["batches"]._indices)) or original(*a, **k)
    )
    run = tw.fit("iris", edits=QUICK, runs=tmp_path)
    assert run.facts.sizes["test"] == 22
    # During training only the sample of the training split and the validation split are scored.
    assert set(seen) == {run.facts.sizes["train"], run.facts.sizes["validation"]}


def test_importing_the_folder_of_a_run_is_not_needed_to_open_it(tmp_path) -> None:
    run = tw.fit("iris", edits=QUICK, runs=tmp_path)
    again = tw.open_run(str(run.path))
    assert torch.equal(again.model().head.weight, run.model().head.weight)
    assert Path(again.path) == run.path


def test_no_hook_stays_behind(tmp_path) -> None:
    from torch.nn.modules import module

    for epochs in (1, 2, 3, 5):
        tw.fit("iris", edits=QUICK | {"train.epochs": epochs, "watch.budget": 0.9}, runs=tmp_path)
    with pytest.raises(tw.TrainwellError):
        tw.fit("iris", edits=QUICK | {"watch.budget": 0.9}, runs=tmp_path, display=Stop(3, signal.SIGTERM))
    assert not module._global_forward_hooks
