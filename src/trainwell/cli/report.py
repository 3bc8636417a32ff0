"""trainwell report: write the report of a run or a search."""

from __future__ import annotations

from pathlib import Path

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json, print_text


def report(run: RunPath, runs: Runs = Path("runs"), *, json: Json = False) -> None:
    """Write report.html of a run or a search.

    Works for unfinished runs too, and prints the summary.
    """
    from trainwell.report import summary, write_report
    from trainwell.runs import Run
    from trainwell.runs.names import STUDY

    found = find_run(run, runs)
    if (found / STUDY).is_file():
        from trainwell.report.html.study import write_study_report
        from trainwell.search import open_study

        written = write_study_report(open_study(found))
        print_text(f"The report of the search: {written}", to_stderr=json)
        if json:
            print_json({"run": str(found), "report": str(written)})
        return
    opened = Run.open(found)
    path = write_report(opened)
    print_text(summary(opened), to_stderr=json)
    if json:
        print_json({"run": str(opened.path), "report": str(path)})
