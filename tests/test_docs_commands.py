"""Every command that a document shows exists, with its options, and every setting and value it passes is valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from tests.documents import CURRENT, CURRENT_IDS, Span, arguments, commands

from trainwell.cli.main import app
from trainwell.cli.run import own_arguments
from trainwell.core.errors import TrainwellError
from trainwell.recipe import check_values, parse_assignment
from trainwell.recipe.schema import SETTINGS

GROUP: Any = typer.main.get_command(app)


def parse(words: list[str]) -> None:
    """Parse a command line as `trainwell` does, without running it.

    Raises:
        AssertionError: if the command, an option, a type or a setting is wrong.
    """
    if words[0] in ("--help", "-h", "--version"):
        return
    name, *rest = words
    assert name in GROUP.commands, f"there is no command {name!r}"
    rest = [word for word in rest if word not in ("--debug", "--help")]
    if name == "run":
        rest = rest[: own_arguments(rest) + 1]
    command = GROUP.commands[name]
    try:
        context = command.make_context(name, list(rest), resilient_parsing=False)
    except click.exceptions.Exit:
        return
    except Exception as problem:  # typer has its own copy of click's exceptions
        # Prose names a command without its data, and an option without its value.
        if re.search(r"Missing (argument|parameter)|requires an argument", str(problem)):
            return
        raise AssertionError(f"{type(problem).__name__}: {problem}") from None
    for assignment in context.params.get("edits") or ():
        setting(assignment)
    for varied in context.params.get("vary") or ():
        setting(varied.partition("=")[0])


def setting(assignment: str) -> None:
    """Check one KEY=VALUE."""
    if "=" not in assignment:
        assert assignment in SETTINGS, f"there is no setting {assignment!r}"
        return
    try:
        key, value = parse_assignment(assignment)
        check_values({key: value})
    except TrainwellError as problem:
        raise AssertionError(str(problem)) from None


def shown(path: Path) -> list[Span]:
    return list(commands(path))


@pytest.mark.parametrize("path", CURRENT, ids=CURRENT_IDS)
def test_every_command_is_understood(path: Path) -> None:
    wrong = []
    for span in shown(path):
        try:
            parse(arguments(span.text))
        except (AssertionError, ValueError) as problem:
            wrong.append(f"{path.name}:{span.line}: {span.text}\n    {problem}")
    assert not wrong, "\n".join(wrong)


def test_the_check_sees_wrong_commands_options_and_settings() -> None:
    for wrong in (
        "trainwell fitt digits",
        "trainwell fit digits --epoch 3",
        "trainwell fit digits --epochs many",
        "trainwell fit digits --set optim.lr=0.1",
        "trainwell fit digits --set train.epochs=many",
        "trainwell compare RUN RUN RUN",
    ):
        with pytest.raises(AssertionError):
            parse(arguments(wrong))
    parse(arguments("trainwell fit digits --set optim.learning_rate=0.1 --epochs 3  # trains"))
    parse(arguments("trainwell run --budget 5% train.py --epoch 3"))


def test_the_readme_shows_every_command() -> None:
    root = next(path for path in CURRENT if path.name == "README.md")
    named = {arguments(span.text)[0] for span in shown(root) if arguments(span.text)}
    missing = {name for name, command in GROUP.commands.items() if not command.hidden} - named
    assert not missing, f"README.md does not show {', '.join(sorted(missing))}"
