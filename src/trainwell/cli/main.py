"""The command line: one thin file per command, errors as one message, documented exit codes.

0 success · 2 usage or recipe · 3 training failed, or an error was found · 65 data · 70 internal error
74 input or output · 130 interrupted (SIGINT) · 143 terminated (SIGTERM)
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from trainwell.cli.about import about
from trainwell.cli.audit import audit
from trainwell.cli.check import check
from trainwell.cli.commands import Command, Commands
from trainwell.cli.compare import compare
from trainwell.cli.cost import cost
from trainwell.cli.diagnose import diagnose
from trainwell.cli.ensemble import ensemble
from trainwell.cli.explain import explain
from trainwell.cli.fit import fit
from trainwell.cli.generate import generate
from trainwell.cli.lab import lab
from trainwell.cli.learning_curve import learning_curve
from trainwell.cli.listing import list_runs
from trainwell.cli.page import page
from trainwell.cli.predict import predict
from trainwell.cli.probe_layers import probe_layers
from trainwell.cli.range_test import range_test
from trainwell.cli.recipe import recipe
from trainwell.cli.report import report
from trainwell.cli.rules import rules
from trainwell.cli.run import SETTINGS as RUN_SETTINGS
from trainwell.cli.run import own_arguments, run
from trainwell.cli.show_batch import show_batch
from trainwell.cli.similar import similar
from trainwell.cli.slide import slide
from trainwell.cli.treat import treat
from trainwell.cli.tune import tune
from trainwell.core import exit_codes
from trainwell.core.errors import TrainwellError

# The first line of a command's docstring is its line in this list.
COMMANDS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    "Train": {
        "fit": fit,
        "tune": tune,
        "recipe": recipe,
        "predict": predict,
        "ensemble": ensemble,
        "generate": generate,
    },
    "Find what is wrong": {"run": run, "check": check, "audit": audit, "diagnose": diagnose, "treat": treat},
    "Plan": {"range-test": range_test, "learning-curve": learning_curve, "cost": cost, "show-batch": show_batch},
    "Compare runs": {"list": list_runs, "compare": compare, "report": report, "page": page},
    "Understand a network": {"explain": explain, "similar": similar, "probe-layers": probe_layers, "slide": slide},
    "Learn": {"lab": lab, "rules": rules, "about": about},
}


class Listed(Commands):
    """The commands in the groups of this module."""

    groups: Mapping[str, Any] = COMMANDS


app = typer.Typer(
    name="trainwell",
    cls=Listed,
    help="Train neural networks, and find out while they train what is wrong and what to change.",
    epilog="Run a command with --help for its options, with --debug for the full traceback of an error. "
    "Exit codes: 0 success, 2 usage, 3 training failed or error found, 65 data, 70 internal, 74 disk.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _group in COMMANDS.values():
    for _name, _command in _group.items():
        _own = RUN_SETTINGS if _name == "run" else None
        app.command(_name, cls=Command, context_settings=_own)(_command)


@app.callback(invoke_without_command=True)
def start(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    """Train neural networks, and find out while they train what is wrong and what to change."""
    if version:
        from trainwell import __version__

        print(f"trainwell {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and exit with a documented code."""
    ours = [*sys.argv, "--"].index("--")
    first = next((n for n in range(1, ours) if not sys.argv[n].startswith("-")), ours)
    if sys.argv[first : first + 1] == ["run"]:  # what follows its script is the script's own, and so are the streams
        ours = first + 1 + own_arguments(sys.argv[first + 1 :])
    else:
        for stream in (sys.stdout, sys.stderr):  # a name that the terminal's encoding lacks is no reason to fail
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in sys.argv[:ours]
    sys.argv = [argument for argument in sys.argv[:ours] if argument != "--debug"] + sys.argv[ours:]
    try:
        app()
    except (Exception, KeyboardInterrupt) as problem:
        if debug:
            raise
        sys.exit(report_error(problem))


def report_error(problem: BaseException) -> int:
    """Print an error as one message on standard error and return its exit code."""
    if isinstance(problem, KeyboardInterrupt):
        _print_error("interrupted")
        return exit_codes.INTERRUPTED
    if isinstance(problem, TrainwellError):
        _print_error(str(problem))
        return problem.exit_code
    kind = type(problem).__name__
    _print_error(f"internal error, {kind}: {problem}. Please report it with the output of --debug.")
    return exit_codes.INTERNAL


def _print_error(line: str) -> None:
    with contextlib.suppress(Exception):  # a script may have closed or replaced the stream
        print(f"trainwell: {line}", file=sys.stderr or sys.__stderr__)


if __name__ == "__main__":
    main()
