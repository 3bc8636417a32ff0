"""The command line: one thin file per command, errors as one sentence, documented exit codes.

0 ok · 2 usage or recipe · 3 training failed · 65 data · 70 internal error · 74 input or output
130 interrupted (SIGINT) · 143 terminated (SIGTERM)
"""

from __future__ import annotations

import contextlib
import io
import sys

import typer

from trainwell.cli.about import about
from trainwell.cli.audit import audit
from trainwell.cli.check import check
from trainwell.cli.compare import compare
from trainwell.cli.cost import cost
from trainwell.cli.diagnose import diagnose
from trainwell.cli.ensemble import ensemble
from trainwell.cli.explain import explain
from trainwell.cli.fit import fit
from trainwell.cli.lab import lab
from trainwell.cli.learning_curve import learning_curve
from trainwell.cli.listing import list_command
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
from trainwell.core.errors import TrainwellError

app = typer.Typer(
    name="trainwell",
    help="Train neural networks well: it tells you, while they train, what is wrong and what to change.",
    epilog="Every command: --help for its options, --debug for the full traceback of an error.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# One line each, short enough for 80 columns.
for _command, _name, _short in (
    (fit, "fit", "Train a network on data, with sound defaults"),
    (run, "run", "Watch a PyTorch script, unmodified; say what is wrong"),
    (tune, "tune", "Search for good settings, many networks in one program"),
    (range_test, "range-test", "Raise the rate until the loss breaks; suggest a rate"),
    (learning_curve, "learning-curve", "Train on subsets; extrapolate to more data"),
    (lab, "lab", "List or run the classic experiments of the craft"),
    (predict, "predict", "Predict on new inputs, prepared as in training"),
    (ensemble, "ensemble", "Average several runs: what that gains over one"),
    (explain, "explain", "Show what an answer hangs on, and what changes it"),
    (similar, "similar", "Find the pictures nearest to one, as a network sees it"),
    (probe_layers, "probe-layers", "Fit a linear classifier on the features of every depth"),
    (check, "check", "Test data and network in seconds, before training"),
    (audit, "audit", "Look for copies, leaks and wrong labels in the data"),
    (cost, "cost", "Print parameters, multiply-adds, memory and time"),
    (show_batch, "show-batch", "Draw one batch as the network gets it"),
    (slide, "slide", "Classify every window of a large picture in one pass"),
    (recipe, "recipe", "Print the complete recipe that fit would run"),
    (list_command, "list", "List runs, the newest or best first"),
    (compare, "compare", "Compare two runs: settings and scores"),
    (report, "report", "Write report.html of a run or a search"),
    (page, "page", "Show all runs, live, in a page on this machine"),
    (diagnose, "diagnose", "Say what is wrong with a run, during or after it"),
    (treat, "treat", "Try repairs in short trainings; keep those that help"),
    (rules, "rules", "List all rules, or print one: law, reason, repair"),
    (about, "about", "Explain a setting, an optimizer or a layer"),
):
    _own = RUN_SETTINGS if _name == "run" else None
    app.command(_name, short_help=_short, context_settings=_own)(_command)

INTERNAL = 70


@app.callback(invoke_without_command=True)
def start(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    """Train neural networks well: it tells you, while they train, what is wrong and what to change."""
    if version:
        from trainwell import __version__

        print(f"trainwell {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and leave with a documented exit code."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal's encoding lacks is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    ours = [*sys.argv, "--"].index("--")
    first = next((n for n in range(1, ours) if not sys.argv[n].startswith("-")), ours)
    if sys.argv[first : first + 1] == ["run"]:  # what follows its script is the script's own
        ours = first + 1 + own_arguments(sys.argv[first + 1 :])
    debug = "--debug" in sys.argv[:ours]
    sys.argv = [argument for argument in sys.argv[:ours] if argument != "--debug"] + sys.argv[ours:]
    try:
        app()
    except (Exception, KeyboardInterrupt) as problem:
        if debug:
            raise
        sys.exit(complain(problem))


def complain(problem: BaseException) -> int:
    """Say in one sentence what went wrong, and return the exit code for it."""
    if isinstance(problem, KeyboardInterrupt):
        _say("interrupted")
        return 130
    if isinstance(problem, TrainwellError):
        _say(str(problem))
        return problem.exit_code
    kind = type(problem).__name__
    _say(f"internal error, {kind}: {problem}. Please report it with --debug's output.")
    return INTERNAL


def _say(line: str) -> None:
    with contextlib.suppress(Exception):  # a script may have closed or replaced the stream
        print(f"trainwell: {line}", file=sys.stderr or sys.__stderr__)


if __name__ == "__main__":
    main()
