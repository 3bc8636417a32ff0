"""trainwell lab: the classic experiments, with measured numbers beside the expected ones."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trainwell.cli.options import Json, print_json, print_text

if TYPE_CHECKING:
    from trainwell.lab import Conditions, Experiment, Result


def lab(
    name: Annotated[str | None, typer.Argument(help="Experiment to run; none: list all.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Run all experiments; write a gallery.")] = False,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Write figures to this folder.")] = Path("lab"),
    full: Annotated[bool, typer.Option(help="Run the long version, at the scale of the original.")] = False,
    seeds: Annotated[int, typer.Option(help="Repeat everything random with N seeds, at least 2.", metavar="N")] = 5,
    data: Annotated[str, typer.Option(help="Train on these images: digits, or a path.")] = "digits",
    json: Json = False,
) -> None:
    """Run a classic experiment, or list them.

    Prints each measured number beside the one that theory predicts, and writes the figure.
    """
    from trainwell.core.errors import UsageError
    from trainwell.lab import EXPERIMENTS, Conditions

    if name and all_:
        raise UsageError(f"lab must be given a name or --all, got both: {name!r} and --all. Leave one out.")
    if seeds < 2:
        raise UsageError(f"--seeds must be at least 2, got {seeds}. One repetition has no confidence interval.")
    listed = {"experiments": [{"name": e.name, "title": e.title, "row": e.row} for e in EXPERIMENTS.values()]}
    chosen = list(EXPERIMENTS.values()) if all_ else [EXPERIMENTS[name]] if name else []
    if chosen:
        found = [_run(experiment, Conditions(full, data, seeds), out=output, to_stderr=json) for experiment in chosen]
        _finish(listed, found, gallery=all_, out=output, json=json)
    elif json:
        print_json(listed)
    else:
        width = max(map(len, EXPERIMENTS))
        for experiment in EXPERIMENTS.values():
            print(f"{experiment.name:<{width}}  {experiment.row:<3} {experiment.title}")


def _run(
    experiment: Experiment, conditions: Conditions, *, out: Path, to_stderr: bool
) -> tuple[Experiment, Result, dict[str, Any]]:
    from trainwell.report.html.gallery import verdicts, write_experiment

    start = time.perf_counter()
    result = experiment.run(conditions)
    path = write_experiment(experiment, result, folder=out)
    rows = verdicts(result)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    print_text(f"{experiment.title} [{experiment.row}]", to_stderr=to_stderr)
    for mark, name, measured, wanted in rows:
        print_text(f"  {mark} {name:<{widths[1]}}  {measured:>{widths[2]}}   expected {wanted}", to_stderr=to_stderr)
    for remark in (result.remark, result.note):
        if remark:
            print_text(f"  {remark}", to_stderr=to_stderr)
    print_text(f"  {path} ({time.perf_counter() - start:.1f} s)", to_stderr=to_stderr)
    expected = {name: value.plain() for name, value in result.expected.items()}
    numbers = {name: value if math.isfinite(value) else None for name, value in result.numbers.items()}
    intervals = {
        name: [end if math.isfinite(end) else None for end in (interval.low, interval.high)]
        for name, interval in result.intervals.items()
    }
    return experiment, result, {"figure": str(path), "numbers": numbers, "intervals": intervals, "expected": expected}


def _finish(
    listed: dict[str, Any],
    found: list[tuple[Experiment, Result, dict[str, Any]]],
    *,
    gallery: bool,
    out: Path,
    json: bool,
) -> None:
    """Write the gallery and the JSON object, and complain if a law was not reproduced."""
    from trainwell.core.errors import TrainwellError
    from trainwell.report.html.gallery import write_gallery

    if gallery:
        page = write_gallery([(experiment, result) for experiment, result, _ in found], out)
        print_text(f"Gallery: {page}", to_stderr=json)
        listed |= {"gallery": str(page), "results": {experiment.name: shown for experiment, _, shown in found}}
    else:
        listed |= found[0][2]
    if json:
        print_json(listed)
    wrong = [f"{experiment.name}: {name}" for experiment, result, _ in found for name in result.failed]
    if wrong:
        raise TrainwellError(f"Every number must be as expected, but {len(wrong)} are not: {'; '.join(wrong)}.")
