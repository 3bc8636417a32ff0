"""How commands are listed, found and parsed: groups in the help, former option names, guesses for unknown commands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

# Former names of options, by command: accepted until the next release.
RENAMED: Mapping[str, Mapping[str, str]] = {
    "audit": {"--page": "--output", "--judge": "--label-model"},
    "cost": {"--batch": "--batch-size"},
    "explain": {"--out": "--output"},
    "lab": {"--out": "--output"},
    "learning-curve": {"--out": "--output"},
    "probe-layers": {"--out": "--output"},
    "range-test": {"--out": "--output"},
    "slide": {"--out": "--output"},
    "treat": {"--out": "--output"},
    "tune": {"--target": "--target-score"},
}

# What other tools call a command.
_SYNONYMS = {
    "train": "fit",
    "watch": "run",
    "monitor": "run",
    "search": "tune",
    "sweep": "tune",
    "lr-find": "range-test",
    "doctor": "diagnose",
    "debug": "diagnose",
    "fix": "treat",
    "repair": "treat",
    "lint": "check",
    "summary": "cost",
    "profile": "cost",
    "ls": "list",
    "runs": "list",
    "diff": "compare",
    "ui": "page",
    "dashboard": "page",
    "serve": "page",
    "docs": "about",
    "info": "about",
    "resume": "fit --resume",
    "version": "--version",
}


def renamed(command: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command with former option names replaced; say so on standard error.

    >>> renamed("cost", ["alexnet", "--batch=128"])
    ['alexnet', '--batch-size=128']
    """
    former = RENAMED.get(command, {})
    found: list[str] = []
    for place, argument in enumerate(arguments):
        if argument == "--":
            return [*found, *arguments[place:]]
        name, equals, value = argument.partition("=")
        if name in former:
            print(f"trainwell: {name} is now {former[name]}; the former name will be removed.", file=sys.stderr)
            argument = f"{former[name]}{equals}{value}"
        found.append(argument)
    return found


class Command(TyperCommand):
    """A command that accepts former names of its options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of the command."""
        parsed: list[str] = super().parse_args(ctx, renamed(self.name or "", args))
        return parsed


class Commands(TyperGroup):
    """The commands, listed in groups, with a guess for an unknown one."""

    groups: Mapping[str, Sequence[str]] = {}

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands in their groups, each with the first line of its help."""
        for title, names in self.groups.items():
            rows = [(name, (self.commands[name].help or "").partition("\n")[0].rstrip(".")) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, or say which one was probably meant."""
        if args and args[0] not in self.commands and args[0] in _SYNONYMS:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {_SYNONYMS[args[0]]!r}?")
        return super().resolve_command(ctx, args)
