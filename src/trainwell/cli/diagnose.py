"""trainwell diagnose: the findings of a run."""

from __future__ import annotations

from pathlib import Path

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json


def diagnose(run: RunPath, runs: Runs = Path("runs"), *, json: Json = False) -> None:
    """Diagnose a run, during or after training.

    Prints causes before symptoms, each with its evidence and the recommended repairs.
    """
    from trainwell.doctor import diagnose as diagnose_run
    from trainwell.doctor import findings_json
    from trainwell.report import findings_text
    from trainwell.runs import Run, snapshot

    path = find_run(run, runs)
    findings = diagnose_run(path)
    if json:
        print_json({"run": str(path), "findings": findings_json(findings)})
    else:
        recipe_text = snapshot(Run.open(path)).recipe
        print(findings_text(findings, recipe_text=recipe_text) or "No problems were found.")
