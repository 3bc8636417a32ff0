"""Pages of the lab: the figure of an experiment with measured and expected numbers, and a gallery of all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from trainwell.core.figure import Figure
from trainwell.core.files import atomic_write, storage_errors
from trainwell.lab import Experiment, Result
from trainwell.report.figures.markup import Child, Markup, table, tag
from trainwell.report.figures.panels import draw_lab
from trainwell.report.html.page import complete, sheet_of, style
from trainwell.report.text.words import number

_FRAME = 'xmlns="http://www.w3.org/2000/svg"'


def verdicts(result: Result) -> list[tuple[str, str, str, str]]:
    """Return a row for each number of an experiment: tick or cross, name, measured with its interval, expected."""
    failed = result.failed
    return [
        ("✗" if name in failed else "✓", name, _measured(result, name), str(result.expected[name]))
        for name in result.numbers
    ]


def _measured(result: Result, name: str) -> str:
    """Write a number of an experiment, with its 95 % confidence interval where it was repeated and varied."""
    interval = result.intervals.get(name)
    if interval is None or not interval.half > 0:
        return number(result.numbers[name])
    return f"{number(interval.mean)} ± {number(float(f'{interval.half:.2g}'))}"


def write_experiment(experiment: Experiment, result: Result, *, folder: Path) -> Path:
    """Write NAME.svg and NAME.html of one experiment; the folder is made.

    Returns:
        the image, `NAME.svg`.
    Raises:
        StorageError: if the disk refuses.
    """
    image = draw_lab(result.figure, title=experiment.title)
    with storage_errors(f"Writing the figure of {experiment.name}", folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{experiment.name}.svg"
        atomic_write(path, _alone(image))
        atomic_write(
            folder / f"{experiment.name}.html",
            page_of(experiment.title, [_section(experiment, result, image=image, head="h1")]),
        )
    return path


def write_figure(figure: Figure, path: Path, *, title: str) -> None:
    """Write a figure as an SVG file of its own; its folder is made.

    Raises:
        StorageError: if the disk refuses.
    """
    with storage_errors(f"Writing the figure {path}", path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, _alone(draw_lab(figure, title=title)))


def _alone(image: Markup) -> str:
    """Add what an SVG file needs: the XML namespace and its style sheet."""
    named = image.replace("<svg ", f"<svg {_FRAME} ", 1)
    return named.replace("<title>", f"<style>{sheet_of('colours.css', 'lab.css')}</style><title>", 1)


def write_gallery(done: Sequence[tuple[Experiment, Result]], folder: Path) -> Path:
    """Write index.html with every experiment, one below the other.

    Returns:
        the page, `index.html`.
    Raises:
        StorageError: if the disk refuses.
    """
    links = [tag("li", tag("a", experiment.title, href=f"#{experiment.name}")) for experiment, _ in done]
    sections = [
        _section(experiment, found, image=draw_lab(found.figure, title=experiment.title)) for experiment, found in done
    ]
    path = folder / "index.html"
    with storage_errors("Writing the gallery", folder):
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(
            path,
            page_of(
                "The lab",
                [
                    tag("header", tag("h1", "The lab")),
                    tag("nav", tag("ul", links), aria_label="Experiments"),
                    *sections,
                ],
            ),
        )
    return path


def _section(experiment: Experiment, result: Result, *, image: Markup, head: str = "h2") -> Markup:
    rows = [[mark, *cells] for mark, *cells in verdicts(result)]
    law, _, reason = experiment.page.partition("\n\n")
    narrow = "narrow" if len(result.figure.panels) == 1 else None
    content: list[Child] = [
        tag(head, f"{experiment.title} [{experiment.row}]"),
        tag("p", law),
        tag("figure", [image, tag("p", result.figure.caption, class_="quiet")], class_=narrow),
        table(["", "number", "measured", "expected"], rows, texts=2, caption=f"Numbers of {experiment.name}"),
        [
            tag("p", part.replace("\n", " "), class_="quiet")
            for part in [*reason.split("\n\n"), result.note, result.remark]
            if part
        ],
    ]
    return tag("section", content, id=experiment.name)


def page_of(title: str, body: Sequence[Markup]) -> str:
    """Return a self-contained page in the style of the report and its figures."""
    return complete(f"{title} · trainwell", body, sheet=style() + sheet_of("lab.css"))
