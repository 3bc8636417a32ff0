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
app.command("fit")(fit)
app.command("run", context_settings=RUN_SETTINGS)(run)
app.command("tune")(tune)
app.command("range-test")(range_test)
app.command("learning-curve")(learning_curve)
app.command("lab")(lab)
app.command("predict")(predict)
app.command("ensemble")(ensemble)
app.command("explain")(explain)
app.command("similar")(similar)
app.command("probe-layers")(probe_layers)
app.command("check")(check)
app.command("audit")(audit)
app.command("cost")(cost)
app.command("show-batch")(show_batch)
app.command("slide")(slide)
app.command("recipe")(recipe)
app.command("list")(list_command)
app.command("compare")(compare)
app.command("report")(report)
app.command("page")(page)
app.command("diagnose")(diagnose)
app.command("treat")(treat)
app.command("rules")(rules)
app.command("about")(about)

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
