"""Faulty recipes are repaired, healthy ones are left alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

import trainwell as tw
from trainwell.doctor import treat, treatment
from trainwell.recipe import load_recipe
from trainwell.runs import RunWriter

DEEP = {"nn.activation": "sigmoid", "nn.hidden": (32,) * 6}
SICK = [
    pytest.param("digits", {"optim.learning_rate": 3.0}, {"lower_rate"}, 0.9, id="rate 1000x"),
    pytest.param("digits", {"optim.learning_rate": 2e-6}, {"raise_rate"}, 0.9, id="rate 1000x too low"),
    pytest.param("digits", {"nn.initialisation": "zeros"}, {"he_initialisation"}, 0.9, id="zero weights"),
]


@pytest.mark.parametrize(("source", "edits", "needed", "score"), SICK)
def test_one_fault_is_repaired(tmp_path, source, edits, needed, score) -> None:
    edits = {"train.epochs": 6, **edits}
    found = treat(source, edits=edits, seeds=3, trials=12, out=tmp_path / "repaired.toml")
    assert found.helped and needed <= set(found.repairs)
    assert np.mean(found.scores.after) > max(score, np.mean(found.scores.before) + 0.1)
    assert load_recipe(tmp_path / "repaired.toml") == found.after != found.before
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["helped"] is True


def test_a_deep_sigmoid_network_gets_better(tmp_path) -> None:
    found = treat("digits", edits={"train.epochs": 8, **DEEP}, seeds=3, trials=12, out=tmp_path / "repaired.toml")
    assert found.helped and np.mean(found.scores.after) > np.mean(found.scores.before) + 0.3


@pytest.mark.slow
def test_two_faults_at_once_need_a_set_of_edits(tmp_path) -> None:
    edits = {"train.epochs": 6, "optim.learning_rate": 0.5, **DEEP}
    found = treat("digits", edits=edits, seeds=3, trials=14, out=tmp_path / "repaired.toml")
    assert len(found.repairs) >= 2 and {"optim.learning_rate"} < set(found.changes)
    assert np.mean(found.scores.after) > 0.5 > np.mean(found.scores.before) + 0.2


@pytest.mark.slow
def test_a_penalty_is_taken_back_until_that_helps_no_more(tmp_path) -> None:
    edits = {"train.epochs": 10, "optim.weight_decay": 100.0, "nn.activation": "tanh"}
    found = treat("digits", edits=edits, seeds=3, trials=12, out=tmp_path / "repaired.toml")
    assert found.repairs.count("less_regularisation") > 1 and found.after.optim.weight_decay < 10
    assert np.mean(found.scores.after) > 0.9 > np.mean(found.scores.before)


@pytest.mark.parametrize("source", ["digits", "wine", "iris", "breast-cancer"])
def test_a_healthy_recipe_is_left_alone(tmp_path, source) -> None:
    found = treat(source, edits={"train.epochs": 12}, seeds=3, trials=6, out=tmp_path / "repaired.toml")
    assert not found.helped and found.after == found.before and found.path is None
    assert not (tmp_path / "repaired.toml").exists()


def test_a_run_that_diverged_is_repaired_in_its_folder(tmp_path) -> None:
    edits = {"optim.name": "sgd", "optim.learning_rate": 1e4}
    with pytest.raises(tw.TrainwellError):
        tw.fit("iris", epochs=30, name="sick", edits=edits, runs=tmp_path)
    said: list[str] = []
    found = treat(tmp_path / "sick", seeds=2, trials=10, say=said.append)
    assert found.helped and found.path == tmp_path / "sick" / "repaired.toml" and found.after.optim.learning_rate < 1e3
    assert found.to_json()["before"]["broke"] == 2 and found.to_json()["after"]["broke"] == 0
    assert len(said) > 3 and found.cost.trials > 4 and found.cost.runs > 1
    run = tw.fit(found.path, name="repaired", runs=tmp_path)
    assert run.status == "ok" and treat(run, seeds=2, trials=1, edits={"seed": 5}).before.seed == 5


def test_the_sealed_test_split_is_never_looked_at(tmp_path, monkeypatch) -> None:
    seen: set[int] = set()
    build = treatment.trial.__globals__["build_parts"]

    def watched(plan, model=None):
        parts = build(plan, model)
        seen.update(plan.splits.train.tolist(), plan.splits.validation.tolist())
        parts.data.splits["test"].epoch = None  # anybody who asks for it fails
        return parts

    monkeypatch.setitem(treatment.trial.__globals__, "build_parts", watched)
    edits = {"train.epochs": 3, "nn.initialisation": "zeros"}
    found = treat("digits", edits=edits, seeds=2, trials=2, out=tmp_path / "repaired.toml")
    assert found.cost.trials >= 6 and len(seen) == 1797 - 270


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 1}, "at least 2 seeds"),
        ({"trials": 0}, "1 trial"),
        ({"edits": {"data.validation": 0.0}}, "data.validation is 0"),
        ({"edits": {"optim.lr": 1}}, "optim.lr"),
    ],
)
def test_what_cannot_be_treated_is_said(options, message) -> None:
    with pytest.raises(tw.TrainwellError, match=message):
        treat("iris", **options)


def test_the_run_of_a_script_has_no_recipe_to_treat(tmp_path) -> None:
    run = tw.fit("iris", epochs=1, name="script", runs=tmp_path)
    with RunWriter.reopen(run.path) as writer:
        writer.set_meta("script", "train.py")
    with pytest.raises(tw.TrainwellError, match="of a script"):
        treat(run)


def test_a_run_on_arrays_cannot_be_repeated(tmp_path) -> None:
    run = tw.fit((np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2), epochs=1, runs=tmp_path)
    with pytest.raises(tw.TrainwellError, match="from Python"):
        treat(run)


@pytest.mark.parametrize("subject", ["runs/sick", "sick.toml"])
def test_data_are_found_again_from_another_folder(tmp_path, monkeypatch, subject) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    generator = np.random.default_rng(0)
    x = generator.normal(size=(240, 4))
    rows = "\n".join(f"{a:.3f},{b:.3f},{c:.3f},{d:.3f},{'yes' if a > b else 'no'}" for a, b, c, d in x)
    (home / "table.csv").write_text(f"a,b,c,d,answer\n{rows}\n")
    monkeypatch.chdir(home)
    edits = {"nn.initialisation": "zeros", "data.target": "answer"}
    run = tw.fit("table.csv", epochs=4, name="sick", edits=edits, runs="runs")
    (home / "sick.toml").write_text((run.path / "recipe.toml").read_text())
    monkeypatch.chdir(elsewhere)
    found = treat(home / subject, seeds=2, trials=3)
    assert found.helped and found.path is not None and found.path.is_relative_to(home)
    assert tw.fit(str(found.path), runs="runs").scores["test"]["accuracy"] > 0.8
