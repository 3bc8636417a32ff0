"""trainwell treat: the diff, the scores before and after, the repaired recipe."""

from __future__ import annotations

import pytest


@pytest.fixture
def command(cli, monkeypatch):
    """The command line with treat in it."""
    from trainwell.cli import main
    from trainwell.cli.treat import treat

    if "treat" not in {command.name for command in main.app.registered_commands}:
        monkeypatch.setattr(main.app, "registered_commands", [*main.app.registered_commands])
        main.app.command("treat")(treat)
    return lambda *arguments: cli("treat", *arguments)


def test_a_faulty_run_is_repaired_and_its_recipe_trains(command, cli, tmp_path) -> None:
    zeros = ("--set", "nn.initialisation=zeros", "--epochs", 5)
    assert cli("fit", "digits", "--name", "sick", "--quiet", *zeros).code == 0
    done = command("sick", "--seeds", 2, "--trials", 3)
    assert done.code == 0 and "he initialisation" in done.err
    assert "nn.initialisation = zeros -> he_normal" in done.out
    assert "with 2 new seeds" in done.out and "±" in done.out
    assert "trainwell fit runs/sick/repaired.toml" in done.out
    assert cli("fit", "runs/sick/repaired.toml", "--quiet", "--json").json["scores"]["validation"]["accuracy"] > 0.8


def test_json_is_the_last_line(command, tmp_path) -> None:
    done = command(
        "digits", "--set", "nn.initialisation=zeros", "--set", "train.epochs=5", "--seeds", 2, "--trials", 2, "--json"
    )
    assert done.json["changes"]["nn.initialisation"] == {"before": "zeros", "after": "he_normal"}
    assert done.json["recipe"] == "digits-repaired.toml" and (tmp_path / "digits-repaired.toml").exists()
    assert done.json["after"]["mean"] > done.json["before"]["mean"] and len(done.out.splitlines()) == 1


def test_a_healthy_recipe_is_left_alone(command) -> None:
    done = command("digits", "--set", "train.epochs=12", "--seeds", 2, "--trials", 2)
    assert done.code == 0 and ("nothing to repair" in done.out or "No repair improves" in done.out)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere",), 65, "nowhere"),
        (("iris", "--seeds", "1"), 2, "at least 2 seeds"),
        (("iris", "--set", "nn.hiden=[3]"), 2, "nn.hidden"),
    ],
)
def test_bad_input_is_one_sentence(command, arguments, code, message) -> None:
    done = command(*arguments)
    assert done.code == code and message in done.err and done.out == ""
