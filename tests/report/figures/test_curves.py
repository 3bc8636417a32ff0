from __future__ import annotations

import math
from pathlib import Path

import pytest

from trainwell.core.signals import Signals
from trainwell.report.figures import draw_curves, gradient_info, loss_info, loss_parts_info, rate_info, score_info
from trainwell.report.figures.curves import clock
from trainwell.runs import Run
from trainwell.runs.snapshot import Snapshot, snapshot


def snapshot_of(**series: list[tuple[int, float]]) -> Snapshot:
    signals = Signals()
    for name, points in series.items():
        for step, value in points:
            signals.add(name.replace("__", "/"), step, value=value)
    return Snapshot(Run(Path("s")), signals=signals)


def test_steps_become_epochs_where_epochs_were_counted(make_run) -> None:
    time = clock(snapshot(make_run()))
    assert (time.name, time.time(10), time.time(20), time.time(5)) == ("epoch", 1, 2, 0.5)
    assert clock(snapshot_of(loss__train=[(0, 1.0), (5, 0.5)])).name == "step"


def test_loss_curves_stand_beside_chance_and_show_the_best(make_run) -> None:
    info = loss_info(snapshot(make_run()))
    assert info is not None
    assert [(curve.name, curve.style) for curve in info.curves] == [
        ("", "faint"),
        ("training", "train"),
        ("validation", "validation"),
    ]
    assert info.curves[2].points == ((1, 1.2), (2, 0.6), (3, pytest.approx(0.4)))
    assert info.level == (pytest.approx(math.log(3)), "chance level")
    assert info.mark == ((2, 0.6), "best")
    assert info.axes.log is True and info.broken is None


def test_score_rate_and_gradient(make_run) -> None:
    shot = snapshot(make_run())
    score, rate, gradient = score_info(shot), rate_info(shot), gradient_info(shot)
    assert (
        score
        and score.mark == ((2, 0.8), "best")
        and [curve.name for curve in score.curves] == ["training", "validation"]
    )
    assert rate and rate.axes.y == "learning rate" and not rate.axes.log
    assert gradient and gradient.axes.log is False


def test_parts_of_a_loss_are_drawn_by_name() -> None:
    parts = {"loss__part__main": [(0, 2.0), (5, 1.0)], "loss__part__auxiliary_1": [(0, 1.0), (5, 0.5)]}
    info = loss_parts_info(snapshot_of(**parts))
    assert info and [curve.name for curve in info.curves] == ["auxiliary 1", "main"]
    assert "auxiliary 1 from 1 to 0.5; main from 2 to 1" in draw_curves(info)
    assert loss_parts_info(snapshot_of(loss__part__main=[(0, 2.0), (5, 1.0)])) is None


def test_nothing_recorded_is_no_figure() -> None:
    empty = snapshot_of(loss__train=[(0, 1.0)])
    assert [make(empty) for make in (loss_info, loss_parts_info, score_info, rate_info, gradient_info)] == [None] * 5


def test_the_moment_a_loss_breaks_is_marked(read) -> None:
    info = loss_info(snapshot_of(loss__train=[(0, 2.0), (1, 1.0), (2, math.nan), (3, math.inf)]))
    assert info and info.broken == 2
    page = read(draw_curves(info))
    assert "NaN" in page.text
    assert all("nan" not in (path["d"] or "") and "inf" not in (path["d"] or "") for path in page.all("path"))


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -5.0, 1e300, 1e-300])
def test_any_values_can_be_drawn(value: float, read) -> None:
    info = loss_info(snapshot_of(loss__train=[(0, value), (1, value)], loss__validation=[(0, 1.0), (1, value)]))
    assert info
    page = read(draw_curves(info))
    assert len(list(page.all("svg"))) == 1


def test_a_drawing_names_its_lines_and_keeps_its_numbers(make_run, read) -> None:
    info = loss_info(snapshot(make_run()))
    assert info
    page = read(draw_curves(info))
    assert all(word in page.text for word in ("training", "validation", "chance", "best", "loss (log scale)", "epoch"))
    (svg,) = page.all("svg")
    assert "validation from 1.2 to 0.4" in str(svg["aria-label"])
    rows = [attributes for attributes in page.all("th") if attributes.get("scope") == "row"]
    assert len(rows) == 3


def test_long_runs_stay_small() -> None:
    info = loss_info(snapshot_of(loss__train=[(step, math.sin(step)) for step in range(50_000)]))
    assert info and len(draw_curves(info)) < 20_000
