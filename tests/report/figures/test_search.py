"""What the images of a search show."""

from __future__ import annotations

import math
from pathlib import Path

from trainwell.report.figures.search import (
    draw_importance,
    draw_parallel,
    draw_slice,
    parallel_info,
    slice_infos,
)
from trainwell.search import Study, Trial, ValidationScores, make_space

SPACE = make_space(
    {
        "optim.learning_rate": "log:1e-4..0.1",
        "optim.name": ["sgd", "adamw"],
        "optim.momentum": {"vary": "0..0.9", "when": {"optim.name": "sgd"}},
    }
)


def study(count: int = 50) -> Study:
    points = [SPACE.at([number / count, (number % 2) * 0.6, 0.5]) for number in range(count)]
    trials = tuple(
        Trial(n, point, state="done", validation=ValidationScores(n / count, {"loss": 1.0}))
        for n, point in enumerate(points)
    )
    broken = Trial(count, {"optim.learning_rate": 0.05, "optim.name": "adamw"}, state="diverged", reason="x")
    return Study(Path("s"), {"space": SPACE.to_json(), "main_score": "accuracy"}, trials=(*trials, broken))


def test_the_best_lines_come_last_and_gaps_stay_gaps() -> None:
    info = parallel_info(study(), SPACE)
    assert info is not None and len(info.lines) == 50 and info.best == 10
    assert [line[-1] for line in info.lines[-2:]] == sorted(line[-1] for line in info.lines)[-2:] and info.lines[-1][
        -1
    ] == 1
    assert all(math.isnan(line[2]) == (line[1] > 0.5) for line in info.lines)
    assert info.names[-1] == "accuracy" and info.ends[1] == ("sgd", "adamw")
    drawn = draw_parallel(info)
    assert drawn.count('class="line train"') == 10 and drawn.count('class="line faint"') == 40 and "nan" not in drawn


def test_ten_thousand_trials_are_drawn_as_a_few_hundred() -> None:
    many = study(10_000)
    info = parallel_info(many, SPACE)
    assert info is not None and len(info.lines) < 300
    assert all(len(one.points) <= 600 for one in slice_infos(many, SPACE))


def test_each_range_is_a_image_and_the_best_is_marked() -> None:
    found = slice_infos(study(), SPACE)
    assert [one.name for one in found] == ["optim.learning_rate"]  # the best one uses no momentum
    assert found[0].log and found[0].best[1] == 0.98 and len(found[0].points) == 50
    assert 'class="mark"' in draw_slice(found[0])


def test_nothing_is_drawn_of_nothing() -> None:
    empty = Study(Path("s"), {})
    assert parallel_info(empty, SPACE) is None and slice_infos(empty, SPACE) == []


def test_importance_is_written_at_its_bar() -> None:
    drawn = draw_importance([("optim.learning_rate", 0.9), ("optim.name", 0.1)])
    assert "90.0 %" in drawn and "optim.name" in drawn
