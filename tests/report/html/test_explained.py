"""Figures of what a network makes of its inputs."""

from __future__ import annotations

from trainwell.inference.probing import ProbingResult
from trainwell.report.html.explained import depths_figure
from trainwell.report.html.gallery import write_figure


def test_every_depth_has_a_bar(tmp_path) -> None:
    names = ["input", *(f"stages.{n}.conv1" for n in range(20))]
    found = ProbingResult("runs/a", "digits", "validation", {name: n / 30 for n, name in enumerate(names)}, 0.1)
    figure = depths_figure(found)
    assert len(figure.panels[0].axes.categories) == len(figure.panels[0].series[0].points) == 21
    assert "stages.19.conv1" in figure.panels[0].title
    write_figure(figure, tmp_path / "new" / "a.svg", title="t")
    assert (tmp_path / "new" / "a.svg").read_text().count('class="bar') == 21


def test_a_depths_name_stands_below_its_bar_only_where_it_can_be_read() -> None:
    def below(names: list[str]) -> tuple[str, ...]:
        return depths_figure(ProbingResult("a", "b", "test", dict.fromkeys(names, 0.5), 0.1)).panels[0].axes.categories

    assert below(["input", "fc1", "fc2"]) == ("input", "fc1", "fc2")
    assert below(["input", *(f"residual{n}.body.0.conv" for n in range(3))]) == ("0", "1", "2", "3")
    assert below([f"stages.{n}.conv1" for n in range(41)])[:7] == ("0", "", "", "3", "", "", "6")
