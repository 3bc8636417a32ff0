"""Commands are found by what people call them, and options by their former names."""

from __future__ import annotations

import pytest
import typer

from trainwell.cli.commands import _SYNONYMS, RENAMED, renamed
from trainwell.cli.main import COMMANDS, app

PARSER = typer.main.get_command(app)


@pytest.mark.parametrize("command", sorted(RENAMED))
def test_a_former_option_is_accepted_and_not_listed(command: str) -> None:
    names = {name for parameter in PARSER.commands[command].params for name in parameter.opts}
    for former, present in RENAMED[command].items():
        assert present in names and former not in names
        assert renamed(command, [former, "x", "--", former]) == [present, "x", "--", former]


def test_a_renamed_option_works_and_says_its_new_name(cli) -> None:
    done = cli("cost", "lenet5", "--batch=4", "--json")
    assert done.code == 0 and done.json["batch"] == 4
    assert "--batch is now --batch-size" in done.err


@pytest.mark.parametrize(
    ("typed", "meant"), [("train", "fit"), ("fti", "fit"), ("dashboard", "page"), ("rangetest", "range-test")]
)
def test_an_unknown_command_gets_a_guess(cli, typed: str, meant: str) -> None:
    done = cli(typed)
    assert done.code == 2 and f"Did you mean '{meant}'?" in done.err


def test_an_unknown_option_gets_a_guess(cli) -> None:
    done = cli("fit", "digits", "--epoch", "3")
    assert done.code == 2 and "--epochs" in done.err


def test_synonyms_are_no_commands_and_lead_to_commands() -> None:
    listed = {name for group in COMMANDS.values() for name in group}
    assert listed == set(PARSER.commands)
    assert not listed & set(_SYNONYMS)
    assert {meant.split()[0] for meant in _SYNONYMS.values()} <= listed | {"--version"}


@pytest.mark.parametrize("command", sorted(PARSER.commands))
def test_help_lines_are_short_and_begin_with_a_verb(command: str) -> None:
    parser = PARSER.commands[command]
    first = parser.help.partition("\n")[0]
    assert len(first) <= 60 and first.endswith(".")
    for parameter in parser.params:
        if parameter.param_type_name == "option" and not parameter.hidden:
            assert parameter.help, parameter.name
            assert len(parameter.help) <= 60, (parameter.name, len(parameter.help))
