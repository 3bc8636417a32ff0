"""trainwell tune, as a person and as a script use it."""

from __future__ import annotations

from pathlib import Path

import pytest

QUICK = ("--epochs", 2, "--repeats", 0, "--set", "nn.hidden=[8]")
RATE = ("--vary", "optim.learning_rate=log:1e-4..0.1")


def test_json_has_what_was_promised(cli, tmp_path: Path) -> None:
    done = cli("tune", "iris", "--trials", 6, *RATE, "--vary", "nn.dropout=0..0.5", *QUICK, "--name", "s", "--json")
    assert done.code == 0 and len(done.out.strip().splitlines()) == 1
    data = done.json
    assert {"engine", "trials", "best", "importance", "seconds"} <= data.keys()
    assert data["engine"] in ("population", "sequential") and data["trials"] == 6
    assert set(data["best"]["scores"]) == {"validation", "test"} and data["best"]["scores"]["test"]["accuracy"] > 0
    assert (tmp_path / data["best"]["recipe"]).is_file()
    assert data["engine"] + ": " in done.err and "evaluated once" in done.err


def test_the_winners_recipe_can_be_trained(cli) -> None:
    assert cli("tune", "iris", "--trials", 4, *RATE, *QUICK, "--name", "s", "--quiet").out == ""
    done = cli("fit", "runs/s/winner.toml", "--json")
    assert done.code == 0 and done.json["status"] == "ok"


def test_a_person_reads_the_best_and_what_mattered(cli) -> None:
    done = cli("tune", "digits", "--trials", 12, "--method", "sobol", *RATE, "--epochs", 2, "--set", "nn.hidden=[8]")
    assert "12 trials" in done.out and "accuracy" in done.out and "Importance: optim.learning_rate" in done.out
    assert "Winner against runner-up" in done.out or "one network at a time" in done.err
    assert "held-out test split" in done.out and "winner.toml" in done.out


def test_few_trials_are_not_called_noise(cli) -> None:
    done = cli("tune", "iris", "--trials", 4, *RATE, *QUICK)
    assert "Importance: too few trials to tell" in done.out


def test_a_space_file_conditions_and_folds(cli, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(
        '[optim]\nname = ["sgd", "adamw"]\nmomentum = {vary = "0.5..0.9", when = {"optim.name" = "sgd"}}\n'
    )
    done = cli("tune", "iris", "--space", "space.toml", "--trials", 4, "--folds", 3, *QUICK, "--json")
    assert done.code == 0 and "±" in done.err


MISTAKES = [
    (("tune", "iris", "--vary", "optim.learnin_rate=log:1e-4..1"), 2, "Did you mean 'optim.learning_rate'?"),
    (("tune", "iris", "--vary", "optim.learning_rate=log:0..1"), 2, "above 0"),
    (("tune", "iris", "--vary", "nn.dropout=0.5..0.1"), 2, "low < high"),
    (("tune", "iris", "--method", "grid", "--trials", 3, "--vary", "nn.dropout=0..0.5", *RATE), 2, "at least 4 points"),
    (("tune", "iris", "--method", "gird"), 2, "Did you mean 'grid'"),
    (("tune", "iris", "--stop-after", "soon"), 2, "90s, 10m or 2h"),
    (("tune",), 2, "either data, --resume STUDY or --retest RUN"),
    (("tune", "--retest", "x", "--vary", "nn.dropout=0..0.5"), 2, "chooses what to vary"),
    (("tune", "--retest", "x", "--method", "tpe"), 2, "chooses what to vary"),
    (("tune", "--resume", "x", "--vary", "a=b"), 2, "leave out all other settings"),
    (("tune", "--resume", "x", "--trials", 64), 2, "leave out all other settings"),
    (("tune", "iris", "--repeats", 1), 2, "0, or at least 2"),
    (("tune", "iris", "--vary", "nn.hidden=8..16"), 2, "nn.hidden=[64],[128, 64]"),
    (("tune", "--resume", "absent"), 74, "must be the folder of a study"),
    (("tune", "iris", "--on", "spark"), 2, "ray or ray://host:port"),
    (("tune", "iris", "--folds", 999), 65, "at most the number of examples"),
    (("tune", "irisses"), None, "iris"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), MISTAKES, ids=lambda value: str(value)[:40])
def test_a_mistake_is_one_sentence(cli, arguments, code, said) -> None:
    done = cli(*arguments)
    assert done.code == code or (code is None and done.code != 0)
    assert said in done.err and len(done.err.strip().splitlines()) == 1


def test_all_diverging_exits_with_3_and_a_finding(cli) -> None:
    done = cli(
        "tune", "iris", "--trials", 4, "--vary", "optim.learning_rate=log:1e20..1e30", "--set", "optim.name=sgd",
        "--set", "optim.warmup=0", *QUICK, "--json",
    )  # fmt: skip
    assert done.code == 3 and done.json["findings"][0]["rule"] == "every_trial_diverged"
    assert "All 4 trials diverged" in done.err


def test_a_stopped_study_is_resumed(cli) -> None:
    arguments = ("--engine", "sequential", "--method", "sobol", "--epochs", 30, "--repeats", 0, "--name", "s")
    first = cli("tune", "iris", "--trials", 30, *RATE, *arguments, "--stop-after", "0.5s", "--json")
    assert first.json["status"] == "stopped" and first.json["trials"] < 30
    done = cli("tune", "--resume", "s", "--json")
    assert done.code == 0 and done.json["status"] == "ok" and done.json["trials"] == 30
    assert cli("tune", "--resume", "s").code == 2


def test_a_search_without_any_trial_is_listed_and_summed_up(cli) -> None:
    done = cli("tune", "iris", "--trials", 30, "--epochs", 500, "--stop-after", "0.001s", "--name", "none", *RATE)
    assert done.code == 3 and "0 trials in" in done.out
    assert "Searches: none." in cli("list").out and cli("list", "--json").json["searches"] == ["none"]


def test_a_target_is_enough(cli) -> None:
    done = cli("tune", "iris", "--trials", 200, "--target-score", "0.1", *RATE, *QUICK, "--json")
    assert done.code == 0 and done.json["trials"] < 200


def test_an_old_run_is_tried_again(cli) -> None:
    cli("fit", "iris", "--epochs", 2, "--set", "nn.hidden=[8]", "--set", "nn.dropout=0", "--name", "old")
    done = cli("tune", "--retest", "old", "--repeats", 0, "--json")
    assert done.code == 0 and done.json["trials"] == 9 and done.json["findings"][0]["rule"].startswith("old_choice")


def test_a_study_is_written_for_optuna(cli, tmp_path: Path) -> None:
    cli("tune", "iris", "--trials", 4, *RATE, *QUICK, "--name", "s", "--quiet")
    done = cli("tune", "--export-optuna", "s")
    assert done.code == 0 and "Wrote 4 trials" in done.out and "optuna-dashboard" in done.out
    written = tmp_path / done.out.split()[-1]
    assert written.is_file()
    assert cli("tune", "--export-optuna", "s", "--json").json["trials"] == 4
