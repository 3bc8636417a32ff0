"""Pages of the lab."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from trainwell.core.figure import Panel, curve
from trainwell.lab import EXPERIMENTS, Figure
from trainwell.lab.result import Interval, at_least, near, result
from trainwell.report.html.gallery import verdicts, write_experiment, write_gallery

FIGURE = Figure("Says it.", (Panel("t", "x", "y", (curve("a", [1, 2]),)),))
FOUND = result({"good": (0.5, near(0.5)), "bad <b>": (2.0, near(1))}, FIGURE, remark="On three images.")


def test_ticks_and_crosses() -> None:
    assert verdicts(FOUND) == [("✓", "good", "0.5", "0.5"), ("✗", "bad <b>", "2", "1")]


def test_an_interval_stands_beside_the_mean_and_decides() -> None:
    found = result(
        {"sure": (Interval(0.5, 0.1234, 5), at_least(0.1)), "not": (Interval(0.2, 0.15, 5), at_least(0.1))}, FIGURE
    )
    assert verdicts(found) == [("✓", "sure", "0.5 ± 0.12", "at least 0.1"), ("✗", "not", "0.2 ± 0.15", "at least 0.1")]
    constant = result({"same": (Interval(1.0, 0.0, 5), near(1))}, FIGURE)
    assert verdicts(constant) == [("✓", "same", "1", "1")]


def test_an_experiment_becomes_a_image_and_a_page(tmp_path: Path) -> None:
    path = write_experiment(EXPERIMENTS["schedules"], FOUND, folder=tmp_path / "new")
    image = ElementTree.parse(path).getroot()
    assert image.tag == "{http://www.w3.org/2000/svg}svg"
    assert "--c0" in path.read_text()
    page = (tmp_path / "new" / "schedules.html").read_text()
    assert "Says it." in page and "On three images." in page and "bad &lt;b&gt;" in page and "closed form" in page


def test_the_gallery_links_to_every_experiment(tmp_path: Path) -> None:
    path = write_gallery([(EXPERIMENTS[name], FOUND) for name in ("schedules", "whitening")], tmp_path)
    page = path.read_text()
    assert path.name == "index.html"
    for name in ("schedules", "whitening"):
        assert f'href="#{name}"' in page and f'id="{name}"' in page
    assert "<script" not in page and "http" not in page.replace("http-equiv", "")
