"""Figures of the lab, drawn."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from trainwell.core.figure import LOG_BOTH, Axes, Curve, Field, Figure, Level, Panel, curve, landscape
from trainwell.report.figures.panels import draw_lab

BOWL = landscape(lambda x, y: x**2 + y**2, (-1, 1), y=(-1, 1), count=2, size=11)
KINDS = {
    "line": Panel(
        "t", "x", "y", (curve("a", [1, 2, math.nan, 3]),), levels=(Level(2, "l"), Level(1, "v", vertical=True))
    ),
    "log": Panel("t", "x", "y", (curve("a", [0.1, 10, 1000], xs=[1, 10, 100]),), axes=Axes(logs=LOG_BOTH)),
    "path": Panel(
        "t",
        "x",
        "y",
        (Curve("a", ((0, 0), (0.5, 0.5), (90, 90)), "path"),),
        field=BOWL,
        axes=Axes(spans=((-1, 1), (-1, 1))),
    ),
    "dots": Panel("t", "x", "y", (Curve("a", ((0, 0), (1, 1)), "dots", -1),), axes=Axes(square=True)),
    "bars": Panel(
        "t",
        "x",
        "y",
        (curve("a", [1, -2], kind="bars"), curve("b", [3, math.nan], kind="bars")),
        axes=Axes(categories=("p", "q")),
    ),
    "area": Panel("t", "x", "y", (curve("a", [0, 1, 0], kind="area"),)),
    "cells": Panel(
        "t", "x", "y", field=Field(((0.0, 1.0), (-1.0, 0.0))), axes=Axes(spans=((0, 2), (0, 2)), square=True)
    ),
}


INTERVALS = {
    "line": Panel("t", "x", "y", (curve("a", [1, 2, 3])._replace(errors=(0.5, 0.1, 0.2)),)),
    "bars": Panel(
        "t", "x", "y", (curve("a", [1, 2], kind="bars")._replace(errors=(0.5, 0.1)),), axes=Axes(categories=("p", "q"))
    ),
    "dots": Panel("t", "x", "y", (curve("a", [1, 2], kind="dots")._replace(errors=(0.5, math.nan)),)),
    "log": Panel(
        "t", "x", "y", (curve("a", [1, 2, 3])._replace(errors=(2.0, 0.1, 0.2)),), axes=Axes(logs=(False, True))
    ),
}


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_is_well_formed_and_names_itself(kind: str) -> None:
    drawn = draw_lab(Figure("What it shows.", (KINDS[kind],)), title="a <b> & c")
    root = ElementTree.fromstring(drawn)
    assert root.findtext("title") == "a <b> & c" and root.findtext("desc") == "What it shows."
    assert "nan" not in drawn and "inf" not in drawn.replace("infinite", "")
    for series in KINDS[kind].series:
        assert f">{series.name}</text>" in drawn


def test_panels_stand_two_in_a_row_inside_the_image() -> None:
    drawn = draw_lab(Figure("", (KINDS["line"],) * 3), title="")
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', drawn).groups())
    places = [tuple(map(float, match)) for match in re.findall(r'<g transform="translate\((\S+) (\S+)\)"', drawn)]
    assert len(places) == 3 and places[0][1] == places[1][1] < places[2][1]
    assert all(x < width and y < height for x, y in places)


def test_a_contour_of_a_bowl_is_a_circle() -> None:
    field = landscape(lambda x, y: x**2 + y**2, (-1, 1), y=(-1, 1), size=41)._replace(contours=(0.25,))
    drawn = draw_lab(
        Figure("", (Panel("", "", "", field=field, axes=Axes(spans=((-1, 1), (-1, 1)), square=True)),)), title=""
    )
    path = re.search(r'<path d="([^"]+)" class="contour"', drawn)[1]
    points = [tuple(map(float, pair.split())) for pair in re.split("[ML]", path) if pair]
    # The panel is 200 wide for 2 units, its middle at (162, 162): radius 0.5 is 50.
    assert all(abs(math.dist(point, (162, 162)) - 50) < 0.6 for point in points) and len(points) > 50


def test_bars_stand_on_zero() -> None:
    drawn = draw_lab(Figure("", (KINDS["bars"],)), title="")
    bars = re.findall(r'<rect x="\S+" y="(\S+)" width="\S+" height="(\S+)" class="bar', drawn)
    (up, up_size), (down, _), _ = ((float(y), float(h)) for y, h in bars)
    assert up + up_size == pytest.approx(down, abs=0.2)


def test_a_path_is_cut_at_the_panel_and_runs_its_marker_three_times() -> None:
    drawn = draw_lab(Figure("", (KINDS["path"],)), title="")
    assert 'clip-path="url(#box-' in drawn and drawn.count('repeatCount="3"') == 2


@pytest.mark.parametrize("kind", list(INTERVALS))
def test_an_interval_is_a_band_around_a_line_and_a_whisker_on_a_bar_or_dot(kind: str) -> None:
    drawn = draw_lab(Figure("", (INTERVALS[kind],)), title="")
    ElementTree.fromstring(drawn)
    assert "nan" not in drawn
    whiskers = drawn.count('class="whisker')
    bands = re.findall(r'<path d="([^"]+)" class="area', drawn)
    assert (whiskers, len(bands)) == {"line": (0, 1), "log": (0, 1), "bars": (2, 0), "dots": (1, 0)}[kind]
    assert all(len(re.findall("[ML]", band)) == 6 for band in bands)  # three upper ends and three lower ones


def test_the_axis_has_room_for_the_intervals() -> None:
    def highest(errors: tuple[float, ...]) -> float:
        panel = Panel("t", "x", "y", (curve("a", [0, 1])._replace(errors=errors),))
        ticks = re.findall(r'class="tick" text-anchor="end">([^<]+)<', draw_lab(Figure("", (panel,)), title=""))
        return max(map(float, ticks))

    assert highest((0.0, 9.0)) > 5 > highest(())
