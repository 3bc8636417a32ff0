from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.report.text.verdict import facts_line, headline, next_steps, verdict
from trainwell.runs import Run
from trainwell.runs.snapshot import Snapshot, snapshot


def test_a_good_run_is_judged_beside_simple_methods(shot: Snapshot) -> None:
    judged = verdict(shot)
    assert judged.tone == "good"
    assert judged.headline == "mlp on pets"
    assert judged.sentence == (
        "Accuracy on the 50 held-out test images is 88.0 % (majority class: 40.0 %, logistic regression: 80.0 %). "
        "No problems were found."
    )
    assert judged.notes[0] == "95 % confidence interval from 50 examples: 76.2 % to 94.4 %."
    assert judged.notes[1] == (
        "The difference from logistic regression is not significant: its score lies in that interval."
    )


def test_a_network_that_loses_to_a_simple_method_is_told_so(make_run) -> None:
    rows = [{"name": "logistic regression", "scores": {"accuracy": 0.88}}]
    judged = verdict(snapshot(make_run(baselines={"main": "accuracy", "rows": rows})))
    assert "The network is no better than logistic regression, which is simpler." in judged.notes


def test_problems_count_causes_only(make_run, two_findings) -> None:
    judged = verdict(snapshot(make_run(findings=two_findings)))
    assert judged.sentence.endswith("1 problem was found: The rate is too high.")
    assert judged.tone == "bad"  # the symptom is an error


def test_hints_are_no_problems(make_run) -> None:
    judged = verdict(snapshot(make_run(findings=(Finding("h", Severity.INFO, "A hint."),))))
    assert (judged.tone, judged.sentence.endswith("No problems were found.")) == ("good", True)


@pytest.mark.parametrize(
    ("status", "reason", "said", "tone"),
    [
        ("failed", "The disk is full.", "The run failed after 3 of 3 epochs, 30 steps: The disk is full.", "bad"),
        ("interrupted", "signal 15", "The run was interrupted after 3 of 3 epochs, 30 steps: signal 15.", "warning"),
        ("running", "", "Still training: 3 of 3 epochs, 30 steps so far.", "plain"),
    ],
)
def test_runs_that_did_not_finish(make_run, status: str, reason: str, said: str, tone: str) -> None:
    judged = verdict(snapshot(make_run(status=status, reason=reason)))
    assert judged.sentence.startswith(said)
    assert judged.tone == tone


def test_the_advice_of_a_reason_is_a_note(make_run) -> None:
    judged = verdict(snapshot(make_run(status="failed", reason="The loss became NaN. Try a lower rate.")))
    assert "steps: The loss became NaN. Accuracy on the 50" in judged.sentence
    assert judged.notes[0] == "Try a lower rate."


def test_a_killed_run_says_what_is_saved_and_how_to_resume() -> None:
    shot = Snapshot(Run(Path("runs/k k"), "killed", meta={"steps": 12}), events={"checkpoint": {"step": 10}})
    assert verdict(shot).sentence.startswith("The training process was killed after 12 steps.")
    assert verdict(shot).notes == ("The last checkpoint is that of step 10.",)
    assert next_steps(shot) == (("resume", "trainwell fit --resume 'runs/k k'"),)


def test_regression_is_judged_by_its_own_score() -> None:
    shot = Snapshot(
        Run(Path("r"), scores={"test": {"r2": 0.5123}}, meta={"main_score": "r2"}),
        events={
            "data": {"kind": "table", "sizes": {"test": 60}},
            "baselines": {"rows": [{"name": "mean", "scores": {"r2": -0.01}}]},
        },
    )
    assert verdict(shot).sentence.startswith("R² on the 60 held-out test rows is 0.5123 (mean: -0.01).")


def test_a_watched_script_has_only_its_losses() -> None:
    signals = Signals()
    for step, value in enumerate([2.3, 1.0, 0.4]):
        signals.add("loss/train", step, value=value)
    shot = Snapshot(Run(Path("w"), meta={"script": "train.py", "chance_loss": 2.3}), signals=signals)
    assert headline(shot) == "train.py"
    assert (
        verdict(shot).sentence == "The training loss went from 2.3 to 0.4; chance level is 2.3. No problems were found."
    )
    signals.add("loss/train", 3, value=float("nan"))
    assert "became NaN or infinite at step 3" in verdict(shot).sentence


def test_validation_stands_in_until_the_test_split_is_used() -> None:
    shot = Snapshot(Run(Path("v"), scores={"validation": {"accuracy": 0.9}}, meta={"main_score": "accuracy"}))
    assert verdict(shot).sentence.startswith("Accuracy on the validation examples is 90.0 %.")


def test_what_can_be_done_next(make_run, two_findings) -> None:
    shot = snapshot(make_run(findings=two_findings))
    assert [command.split()[1] for _, command in next_steps(shot)] == ["fit", "rules", "predict", "fit"]
    assert next_steps(shot)[0][1].endswith("recipe.toml --set optim.learning_rate=0.000333333")


def test_facts_stand_in_one_line(shot: Snapshot) -> None:
    facts = dict(facts_line(shot))
    assert facts["examples"] == "100 / 20 / 50"
    assert facts["classes"] == "3" and facts["trainable parameters"] == "26,122" and facts["best epoch"] == "2"


def test_every_event_may_be_missing(make_run, all_events) -> None:
    bare = snapshot(make_run(**dict.fromkeys(all_events)))
    assert verdict(bare).sentence == "Accuracy on the held-out test images is 88.0 %. No problems were found."


@pytest.mark.parametrize("status", ["ok", "interrupted"])
def test_no_command_is_offered_for_what_came_from_python(status: str) -> None:
    recipe = '[data]\nsource = "arrays"\n'
    assert next_steps(Snapshot(Run(Path("p"), status), recipe=recipe)) == ()
