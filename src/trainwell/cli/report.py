"""trainwell report: write the report of a run again."""

from __future__ import annotations

from pathlib import Path

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json, speak


def report(run: RunPath, runs: Runs = Path("runs"), json: Json = False) -> None:
    """Write report.html of a run, finished or not, and print its summary."""
    from trainwell.report import summary, write_report
    from trainwell.runs import Run

    opened = Run.open(find_run(run, runs))
    path = write_report(opened)
    speak(summary(opened), aside=json)
    if json:
        print_json({"run": str(opened.path), "report": str(path)})
