from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.monitor import Watched
from trainwell.monitor.trainings.report import Report
from trainwell.report.text.watched import no_training, watched_headline

CAUSE = Finding("learning_rate_too_high", Severity.WARNING, "The rate is too high.", explains=("loss_not_finite",))
SYMPTOM = Finding("loss_not_finite", Severity.ERROR, "The loss is NaN.")
HINT = Finding("host_syncs", Severity.INFO, "Slow.")


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ((), "no problems were found in 8 steps"),
        ((HINT,), "no problems were found"),
        ((CAUSE, SYMPTOM, HINT), "1 problem found"),
        ((CAUSE, Finding("dead_units", Severity.ERROR, "Dead.")), "2 problems found"),
    ],
)
def test_problems_are_causes_that_are_no_hints(findings: tuple[Finding, ...], said: str) -> None:
    assert watched_headline(Watched(0, report=Report(findings, steps=8), seconds=1.5)).startswith(said)


def test_the_cost_is_a_share_only_of_a_long_training() -> None:
    short = Watched(0, report=Report(steps=8, watch_seconds=0.2, overhead_fraction=0.25), seconds=1.0)
    long = Watched(0, report=Report(steps=8000, watch_seconds=9.0, overhead_fraction=0.015), seconds=600.0)
    assert watched_headline(short).endswith("watching took 0.20 s")
    assert watched_headline(long).endswith("watching took 9.00 s, 1.5% of the training time")


def test_without_a_step_there_is_no_verdict() -> None:
    watched = Watched(0, seconds=2.0)
    assert (
        watched_headline(watched)
        == no_training(watched)
        == ("no training was seen in 2.0 s: no PyTorch optimizer took a step")
    )
