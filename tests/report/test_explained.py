"""Figures of what a network makes of its inputs."""

from __future__ import annotations

from trainwell.assemble.probing import Depths
from trainwell.report.explained import depths_figure
from trainwell.report.gallery import write_figure


def test_every_depth_has_a_bar(tmp_path) -> None:
    names = ["input", *(f"stages.{n}.conv1" for n in range(20))]
    found = Depths("runs/a", "digits", "validation", {name: n / 30 for n, name in enumerate(names)}, 0.1)
    figure = depths_figure(found)
    assert len(figure.panels[0].categories) == len(figure.panels[0].series[0].points) == 21
    assert "stages.19.conv1" in figure.panels[0].title
    write_figure(figure, tmp_path / "new" / "a.svg", title="t")
    assert (tmp_path / "new" / "a.svg").read_text().count('class="bar') == 21
