"""trainwell run: watch anybody's training script."""

from __future__ import annotations

import linecache
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trainwell.cli.options import Json, Runs, json_line
from trainwell.cli.streams import Streams

if TYPE_CHECKING:
    from trainwell.core.finding import Finding
    from trainwell.monitor import Watched

_TELLING_SECONDS = 5.0
SETTINGS = {"allow_interspersed_args": False, "ignore_unknown_options": True}
"""For the parser: our options end at the script, whatever follows it is the script's."""

_WITH_VALUE = ("--runs", "--name", "--budget")
_OPTIONS = (*_WITH_VALUE, "--json", "--debug", "--help", "-m")


def own_arguments(arguments: Sequence[str]) -> int:
    """Return how many arguments of `run` are ours: those before the script, with their values.

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
    name: Annotated[str | None, typer.Option(help="Name of the run.")] = None,
    budget: Annotated[str, typer.Option(help="Watching time, as a share of training time.")] = "2%",
    json: Json = False,
) -> None:
    """Run a PyTorch training script, unmodified, and say what is wrong with its training."""
    from trainwell.core.catalogue import nearest
    from trainwell.core.errors import UsageError
    from trainwell.monitor import run_watched

    is_module = command[0] == "-m"
    if command[0].startswith("-") and not is_module:
        guess = nearest(command[0].partition("=")[0], _OPTIONS)
        hint = f" Did you mean {guess}?" if guess else " Those of the script come after it."
        raise UsageError(f"An option before the script must be one of {', '.join(_OPTIONS)}, got {command[0]}.{hint}")
    if is_module and len(command) < 2:
        raise UsageError("-m must be followed by the name of a module. Example: trainwell run -m package.train")
    target, *arguments = command[1:] if is_module else command
    streams, folder = Streams(), os.path.abspath(os.curdir)
    watched = run_watched(
        target, arguments, is_module=is_module, runs=runs, name=name, budget=_fraction(budget), say=streams.say
    )
    if watched.is_main:
        run = None if watched.run is None else runs / watched.run.name
        streams.print(_text(watched, run, folder))
        if json:
            streams.print_last(json_line(watched.to_json() | {"run": run}))
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


def _text(watched: Watched, run: Path | None, folder: str) -> str:
    from trainwell.core.errors import TrainwellError
    from trainwell.report import write_report
    from trainwell.runs import Run

    blocks = [_headline(watched), *diagnosis(watched.findings, folder=folder)]
    if watched.run is not None and run is not None:
        try:
            write_report(Run.open(watched.run))
            blocks.append(f"  run     {run}\n  report  {run / 'report.html'}")
        except (TrainwellError, OSError) as problem:  # the exit code is the script's all the same
            blocks.append(f"trainwell: no report was written: {problem}")
    return "\n" + "\n\n".join(blocks)


def diagnosis(findings: Sequence[Finding], *, brief: bool = True, folder: str = "") -> list[str]:
    """Return the findings as texts, each cause with its symptoms, the user's lines and the cure; hints come last.

    Args:
        findings: all that was found.
        brief: say of hints no more than their titles.
        folder: where the user's files lie; by default the working folder.
    """
    from trainwell.core.finding import Severity
    from trainwell.report import findings_text
    from trainwell.report.text.findings import folded

    hints = [finding for finding in findings if finding.severity is Severity.INFO]
    blocks = [_finding_text(*one, folder) for one in folded([finding for finding in findings if finding not in hints])]
    if hints and brief:
        blocks.append("hints: " + "; ".join(hint.title.rstrip(".") for hint in hints))
    return blocks + ([findings_text(hints)] if hints and not brief else [])


def nothing_seen(watched: Watched) -> str:
    """Return why there is no verdict."""
    return f"no training was seen in {watched.seconds:.1f} s: no optimizer of PyTorch took a step"


def _headline(watched: Watched) -> str:
    verdicts = [finding for finding in watched.findings if finding.severity != "info"]
    found = f"{len(verdicts)} problem{'s' * (len(verdicts) != 1)} found" if verdicts else "no problems were found"
    if not watched.steps and not verdicts:
        return f"trainwell: {nothing_seen(watched)}"
    cost = f"watching took {watched.watch_seconds:.2f} s of it"
    # The first looks are free: of a short training they are a large share.
    if watched.watch_seconds >= _TELLING_SECONDS * watched.overhead_fraction:
        cost += f", {watched.overhead_fraction:.1%} of the training"
    return f"trainwell: {found} in {watched.steps:,} steps and {watched.seconds:.1f} s; {cost}"


def _finding_text(cause: Finding, symptoms: tuple[Finding, ...], folder: str) -> str:
    from trainwell.report import findings_text
    from trainwell.rules import cure

    lines = [findings_text([cause, *symptoms])]
    for place in cause.where:
        file, _, number = place.rpartition(":")
        if file and number.isdigit() and (source := linecache.getline(os.path.join(folder, file), int(number)).strip()):
            lines.append(f"  {place}:  {source}")
    if text := cure(cause.rule):
        lines.append(textwrap.fill(f"cure: {text}", 80, initial_indent="  ", subsequent_indent="    "))
    return "\n".join(lines)
