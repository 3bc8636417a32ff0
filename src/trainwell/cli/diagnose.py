"""trainwell diagnose: what is wrong with a run."""

from __future__ import annotations

from pathlib import Path

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json
from trainwell.cli.run import diagnosis


def diagnose(run: RunPath, runs: Runs = Path("runs"), json: Json = False) -> None:
    """Say what is wrong with a run, during or after it: causes first, with evidence and cures."""
    from trainwell.doctor import diagnose as examine
    from trainwell.doctor import findings_json

    path = find_run(run, runs)
    findings = examine(path)
    if json:
        print_json({"run": str(path), "findings": findings_json(findings)})
    else:
        print("\n\n".join(diagnosis(findings, brief=False)) or "No problems were found.")
