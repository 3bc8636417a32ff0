"""trainwell fit, as a person and as a script use it."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

KEYS = {"run", "status", "task", "scores", "findings", "seconds", "steps"}


def test_json_is_the_last_line_and_people_read_standard_error(cli, tmp_path) -> None:
    done = cli("fit", "iris", "--epochs", 3, "--json", "--name", "first")
    assert done.code == 0
    assert done.json.keys() == KEYS
    assert done.json["status"] == "ok" and done.json["task"] == "classify"
    assert done.json["scores"].keys() == {"train", "validation", "test"}
    assert len(done.out.strip().splitlines()) == 1
    assert "iris" in done.err
    folder = tmp_path / done.json["run"]
    for name in ("model/weights.safetensors", "recipe.toml", "report.html", "run.sqlite"):
        assert (folder / name).is_file()


def test_the_last_lines_say_where_things_are_and_what_to_try(cli) -> None:
    done = cli("fit", "iris", "--epochs", 3, "--name", "first")
    assert "runs/first/report.html" in done.out
    assert "trainwell predict runs/first" in done.out
    for command in [line.split("  ")[-1] for line in done.out.splitlines() if "  trainwell " in line]:
        words = command.split()[1:]
        assert words[0] in ("predict", "fit", "rules", "treat", "report", "compare", "diagnose", "page"), command


def test_quiet_says_nothing(cli) -> None:
    done = cli("fit", "iris", "--epochs", 1, "--quiet")
    assert (done.out, done.err) == ("", "")


def test_settings_from_everywhere(cli, tmp_path) -> None:
    (tmp_path / "my.toml").write_text('[data]\nsource = "iris"\n[train]\nepochs = 50\nbatch_size = 8\n')
    done = cli(
        "fit",
        "my.toml",
        "--set",
        "optim.learning_rate=0.01",
        "--epochs",
        2,
        "--seed",
        7,
        "--runs",
        "elsewhere",
        "--json",
    )
    recipe = (tmp_path / done.json["run"] / "recipe.toml").read_text()
    assert done.json["run"].startswith("elsewhere/")
    for line in ("epochs = 2", "batch_size = 8", "learning_rate = 0.01", "seed = 7"):
        assert line in recipe


def test_a_diverging_run_exits_3_says_why_and_still_gives_json_and_a_report(cli, tmp_path) -> None:
    done = cli("fit", "iris", "--set", "optim.name=sgd", "--set", "optim.learning_rate=1e20", "--json")
    assert done.code == 3
    assert done.json["status"] == "failed"
    assert done.json["findings"]
    assert "try --set optim.learning_rate=0.03," in done.err.splitlines()[-1], "the usual one for sgd"
    assert (tmp_path / done.json["run"] / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fit", "digitz"), 65, "did you mean 'digits'"),
        (("fit", "digits", "--model", "lenett"), 2, "Did you mean 'lenet"),
        (("fit", "digits", "--device", "cuda:9"), 2, "Available: auto, cpu"),
        (("fit", "digits", "--set", "optim.lr=1"), 2, "optim.learning_rate"),
        (("fit", "digits", "--name", "../x"), 2, "name of a run"),
        (("fit", "--resume", "nothing"), 74, "no such folder"),
        (("fit", "digits", "--resume", "x"), 2, "either data or --resume"),
        (("fit", "--resume", "x", "--epochs", "3"), 2, "leave out all other settings"),
        (("fit", "none.toml"), 74, "cannot be read"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(cli, tmp_path, arguments, code, words) -> None:
    done = cli(*arguments)
    assert done.code == code
    assert words in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_the_run_resumes(process, cli, tmp_path, number, code) -> None:
    child = process(
        "fit", "digits", "--name", "cut", "--json", "--set", "train.epochs=3000", "--set", "train.patience=0"
    )
    store = tmp_path / "runs" / "cut" / "run.sqlite"
    deadline = time.monotonic() + 60
    while not store.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == code, err
    assert json.loads(out.splitlines()[-1])["status"] == "interrupted"
    assert "--resume" in err
    assert "Traceback" not in err
    assert list((tmp_path / "runs" / "cut" / "checkpoints").iterdir())


def test_a_run_that_is_being_written_is_locked(cli, tmp_path) -> None:
    from trainwell.runs import RunWriter

    with RunWriter.create(tmp_path / "runs", "mine", recipe_text=""):
        done = cli("fit", "--resume", "runs/mine")
    assert done.code == 74
    assert str(os.getpid()) in done.err


def test_interrupted_runs_resume_from_the_command_line(cli, tmp_path) -> None:
    import trainwell as tw
    from trainwell.fitting.fit import Silent

    class Stop(Silent):
        def step(self, step, epoch):
            if step == 9:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(tw.TrainwellError):
        tw.fit("iris", epochs=10, runs=tmp_path / "runs", name="cut", display=Stop())
    done = cli("fit", "--resume", "cut", "--json")
    assert done.code == 0 and done.json["status"] == "ok"
    assert "Resuming" in done.err


def test_treat_trains_again_with_what_helps(cli) -> None:
    sick = ("--set", "nn.initialisation=zeros", "--set", "train.epochs=4", "--set", "seed=1")
    poor = cli("fit", "digits", *sick, "--json", "--name", "poor").json["scores"]["test"]["accuracy"]
    repaired = cli("fit", "digits", *sick, "--json", "--treat", "--name", "treated")
    assert repaired.code == 0
    assert repaired.json["run"] != "runs/treated"
    assert repaired.json["scores"]["test"]["accuracy"] > poor + 0.3
