"""docs/curriculum.md, F1."""

from __future__ import annotations

from trainwell.optim import SCHEDULES


def test_every_closed_form_of_the_catalogue_is_shown(done) -> None:
    shown = {series.name for panel in done("schedules").figure.panels for series in panel.series}
    assert shown == set(SCHEDULES) - {"plateau"}  # counts what it has seen
