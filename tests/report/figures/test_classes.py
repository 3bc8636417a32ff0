from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.report.figures import confusion_info, draw_confusion, draw_per_class, per_class_info
from trainwell.report.figures.classes import ConfusedPair
from trainwell.runs import Run
from trainwell.runs.snapshot import Snapshot


def with_matrix(labels: list[str], matrix: list[list[int]]) -> Snapshot:
    return Snapshot(Run(Path("s")), events={"confusion": {"split": "test", "labels": labels, "matrix": matrix}})


def test_confusions_are_ranked(shot: Snapshot) -> None:
    info = confusion_info(shot)
    assert info and (info.right, info.total) == (44, 50)
    assert info.worst == (
        ConfusedPair("dog", "eel", 3, 3 / 13),
        ConfusedPair("eel", "dog", 2, 2 / 17),
        ConfusedPair("dog", "cat", 1, 1 / 13),
    )


@pytest.mark.parametrize(("labels", "matrix"), [([], []), (["a"], []), (["a", "b"], [[1, 2]]), (["a"], [[1, 2]])])
def test_a_matrix_that_does_not_fit_its_labels_is_left_out(labels: list[str], matrix: list[list[int]]) -> None:
    assert confusion_info(with_matrix(labels, matrix)) is None


def test_the_drawing_holds_every_count_but_zeros(shot: Snapshot, read) -> None:
    info = confusion_info(shot)
    assert info
    page = read(draw_confusion(info))
    assert len(list(page.all("rect"))) == 9
    counts = [attributes for attributes in page.all("text") if "count" in str(attributes.get("class"))]
    assert len(counts) == 6
    assert {str(rect["class"]) for rect in page.all("rect")} == {"cell right", "cell wrong", "cell none"}


def test_long_names_do_not_leave_the_image(read) -> None:
    names = [f"a very long name of the class number {index}" for index in range(12)]
    info = confusion_info(with_matrix(names, [[1] * 12 for _ in names]))
    assert info
    page = read(draw_confusion(info))
    assert all(0 <= float(str(text["x"])) <= 440 for text in page.all("text"))


def test_too_many_classes_are_listed_instead_of_drawn() -> None:
    info = confusion_info(with_matrix([str(index) for index in range(30)], [[1] * 30 for _ in range(30)]))
    assert info and draw_confusion(info) is None and len(info.worst) == 5


def test_classes_are_shown_worst_first_with_unknowns_on_top(shot: Snapshot, read) -> None:
    info = per_class_info(shot)
    assert info and [row.label for row in info.rows] == ["eel", "dog", "cat"]
    page = read(draw_per_class(info))
    assert len(list(page.all("polygon"))) == 3  # two classes and the key
    assert "69.0 %" in page.text and "–" in page.text


def test_a_thousand_classes_stay_small() -> None:
    rows = [{"label": f"class {n}", "precision": 0.5, "recall": 0.5, "f1": n / 1000, "support": 1} for n in range(1000)]
    info = per_class_info(Snapshot(Run(Path("s")), events={"per_class": {"rows": rows}}))
    assert info and len(draw_per_class(info)) < 60_000
