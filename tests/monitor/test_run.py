from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import ward

from trainwell.core.errors import UsageError
from trainwell.monitor import Watched, run_watched
from trainwell.runs import Run

SICK = ward.HERE / "faulty" / "missing_zero_grad.py"


def run(target: str, folder: Path, **options: Any) -> tuple[Watched, list[str]]:
    """Run a script from start to end in this process."""
    os.chdir(folder)
    os.environ.update(options.pop("environment", {}))
    said: list[str] = []
    settings = {"is_module": False, "runs": folder / "runs", "name": None, "budget": 0.02, **options}
    return run_watched(target, ["1"], say=said.append, **settings), said


def test_a_run_is_left_behind(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    watched, said = pool.submit(run, str(SICK), tmp_path).result()
    assert watched.exit_code == 0
    assert [finding.rule for finding in watched.findings][0] == "missing_zero_grad"
    assert len(said) >= 1
    assert watched.run is not None
    assert watched.run.name.startswith("missing-zero-grad-")
    opened = Run.open(watched.run)
    assert (opened.status, opened.task, opened.steps) == ("ok", "classify", 232)
    assert opened.meta["script"] == f"{SICK} 1"
    assert opened.meta["overhead_fraction"] == watched.overhead_fraction
    assert [finding.rule for finding in opened.findings][0] == "missing_zero_grad"
    assert len(opened.signals()["loss/train"]) > 50
    assert watched.to_json().keys() == {"run", "exit_code", "findings", "overhead_fraction", "seconds"}


def test_a_script_that_fails_leaves_a_failed_run(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("raise ValueError('no data')\n")
    watched, _ = pool.submit(run, "train.py", tmp_path, name="mine").result()
    opened = Run.open(tmp_path / "runs" / "mine")
    assert (watched.exit_code, opened.status, opened.reason) == (1, "failed", "ValueError: no data")


def test_no_run_folder_no_reason_to_stop(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file is in the way")
    watched, said = pool.submit(run, str(SICK), tmp_path).result()
    assert watched.exit_code == 0
    assert watched.run is None
    assert [finding.rule for finding in watched.findings][0] == "missing_zero_grad"
    assert said[0].startswith("no run is recorded")


def test_other_ranks_only_run(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    watched, said = pool.submit(run, str(SICK), tmp_path, environment={"RANK": "1"}).result()
    assert watched == Watched(0, is_main=False)
    assert said == []
    assert not (tmp_path / "runs").exists()


def test_a_forked_process_that_goes_on_says_nothing(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import os\nchild = os.fork()\nif child:\n    os.waitpid(child, 0)\n")
    watched, _ = pool.submit(_run_and_note, tmp_path).result()
    assert watched.is_main
    assert sorted(path.read_text() for path in tmp_path.glob("ended-*")) == ["False", "True"]


def _run_and_note(folder: Path) -> tuple[Watched, list[str]]:
    result = run("train.py", folder)
    (folder / f"ended-{os.getpid()}").write_text(str(result[0].is_main))
    if not result[0].is_main:
        os._exit(0)
    return result


def test_no_script_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        run_watched("absent.py", [], is_module=False, runs=tmp_path, name="a", budget=0.02, say=print)
    assert not (tmp_path / "a").exists()


def test_a_script_may_leave_its_folder(pool: ProcessPoolExecutor, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import os, tempfile\nwith tempfile.TemporaryDirectory() as folder:\n    os.chdir(folder)\n"
        + SICK.read_text()
        + "\n1 / 0\n"
    )
    watched, said = pool.submit(run, "train.py", tmp_path, runs=Path("kept"), name="a").result()
    assert (watched.exit_code, watched.run) == (1, tmp_path / "kept" / "a")
    assert len(Run.open(tmp_path / "kept" / "a").signals()["loss/train"]) > 50
    assert watched.findings[0].where[0].startswith("train.py:") and not any("recorded" in line for line in said)
