"""trainwell run: watch a training script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.options import Json, Runs, json_line
from trainwell.cli.streams import Streams
from trainwell.core.overhead_budget import OVERHEAD_BUDGET

if TYPE_CHECKING:
    from trainwell.monitor import Watched

SETTINGS = {"allow_interspersed_args": False, "ignore_unknown_options": True}
"""For the parser: the options of `run` end at the script; what follows is the script's."""

_BUDGET = f"{OVERHEAD_BUDGET:.0%}"
_WITH_VALUE = ("--runs", "--name", "--budget")
_OPTIONS = (*_WITH_VALUE, "--json", "--debug", "--help", "-m")


def own_arguments(arguments: Sequence[str]) -> int:
    """Return how many arguments belong to `run`: those before the script, with their values.

    >>> own_arguments(["--runs", "kept", "--debug", "train.py", "--debug"])
    3
    """
    count = 0
    while count < len(arguments) and arguments[count].startswith("-") and arguments[count] not in ("-m", "--"):
        count += 2 if arguments[count] in _WITH_VALUE else 1
    return count


def run(
    command: Annotated[list[str], typer.Argument(metavar="SCRIPT.py [ARGUMENTS]", help="Or: -m MODULE [ARGUMENTS]")],
    runs: Runs = Path("runs"),
    *,
    name: Annotated[str | None, typer.Option(help="Name the run; default: script and time.")] = None,
    budget: Annotated[str, typer.Option(help="Spend at most this fraction of time on watching.")] = _BUDGET,
    json: Json = False,
) -> None:
    """Watch a PyTorch script; report what is wrong.

    The script runs unmodified, with the same results. Its own options come after its name.
    """
    from trainwell.core.catalogue import nearest
    from trainwell.core.errors import UsageError
    from trainwell.monitor import run_watched

    is_module = command[0] == "-m"
    if command[0].startswith("-") and not is_module:
        guess = nearest(command[0].partition("=")[0], _OPTIONS)
        hint = f" Did you mean {guess}?" if guess else " Options of the script come after it."
        raise UsageError(f"An option before the script must be one of {', '.join(_OPTIONS)}, got {command[0]}.{hint}")
    if is_module and len(command) < 2:
        raise UsageError("-m must be followed by the name of a module. Example: trainwell run -m package.train")
    target, *arguments = command[1:] if is_module else command
    streams = Streams()
    watched = run_watched(
        target, arguments, is_module=is_module, runs=runs, name=name, budget=_fraction(budget), say=streams.say
    )
    if watched.is_main:
        try:
            run = None if watched.run is None else runs / watched.run.name
            streams.print(_text(watched, run))
            if json:
                streams.print_last(json_line(watched.to_json() | {"run": run}))
        except Exception as problem:  # the exit code stays that of the script, whatever it has done to this process
            streams.say(f"no diagnosis was written: internal error, {type(problem).__name__}: {problem}")
    raise SystemExit(watched.exit_code)


def _fraction(text: str) -> float:
    from trainwell.core.errors import UsageError

    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"--budget must be a share from 0% to 100%, got {text!r}.")
    return value


def _text(watched: Watched, run: Path | None) -> str:
    from trainwell.report import findings_text, watched_headline, write_report
    from trainwell.runs import Run

    blocks = [f"trainwell: {watched_headline(watched)}"]
    if watched.findings:
        blocks.append(findings_text(watched.findings, brief_hints=True))
    if watched.run is not None and run is not None:
        try:
            write_report(Run.open(watched.run))
            blocks.append(f"  run     {run}\n  report  {run / 'report.html'}")
        except Exception as problem:  # the exit code stays that of the script
            blocks.append(f"trainwell: no report was written: {problem}")
    return "\n" + "\n\n".join(blocks)
