"""Judging a run by what it has recorded."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trainwell as tw
from trainwell.doctor import diagnose


def test_a_run_that_broke_is_diagnosed_and_a_healthy_one_left_in_peace(tmp_path) -> None:
    with pytest.raises(tw.TrainwellError):
        tw.fit("iris", epochs=3, name="sick", edits={"optim.name": "sgd", "optim.learning_rate": 1e20}, runs=tmp_path)
    assert diagnose(tmp_path / "sick")[0].severity == "error"
    run = tw.fit("wine", epochs=15, runs=tmp_path)
    assert [finding for finding in diagnose(run.path) if finding.severity != "info"] == []


def test_findings_made_before_training_are_kept(tmp_path) -> None:
    run = tw.fit("digits", epochs=2, runs=tmp_path)
    table = tmp_path / "twice.csv"
    rows = ["a,b,label", *(f"{n % 40},{n % 40 * 2},{'yes' if n % 40 > 20 else 'no'}" for n in range(200))]
    table.write_text("\n".join(rows))
    assert "duplicates_across_splits" in {f.rule for f in diagnose(tw.fit(table, epochs=2, runs=tmp_path).path)}
    assert "duplicates_across_splits" not in {f.rule for f in diagnose(run.path)}


def test_diagnosing_brings_no_torch() -> None:
    code = "import sys; from trainwell.doctor import diagnose; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
