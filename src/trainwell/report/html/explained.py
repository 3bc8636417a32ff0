"""The page of an explanation, with its figures: accuracy by depth, calibration, attacks, features."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainwell.core.figure import Axes, Figure, Level, Panel, curve
from trainwell.core.files import atomic_write, storage_errors
from trainwell.report.figures.markup import Markup, table, tag
from trainwell.report.figures.panels import draw_lab
from trainwell.report.html.gallery import page_of, write_figure
from trainwell.report.text.words import percent

if TYPE_CHECKING:
    from trainwell.inference.explanation import AdversarialExample, Explanation, NetworkExplanation
    from trainwell.inference.probing import ProbingResult

# characters below the axis; longer names give way to so many numbers at most
_ROOM = 50
_NUMBERED = 20
_LISTED = 12  # more classes than this are not named beside a figure


def depths_figure(found: ProbingResult) -> Figure:
    """Show the accuracy of a linear classifier by depth."""
    names = tuple(found.accuracies)
    every = -(-len(names) // _NUMBERED)
    fits = len(names) * max(map(len, names)) <= _ROOM
    best = max(names, key=lambda name: found.accuracies[name])
    place = best if fits else f"depth {names.index(best)}, {best}"
    values = list(found.accuracies.values())
    panel = Panel(
        f"Best at {place}: {percent(found.accuracies[best])} of {found.split}",
        "depth",
        "accuracy",
        (curve("", values, kind="bars"),),
        (Level(found.chance, "chance level"),),
        axes=Axes(
            spans=(None, (0.0, 1.0)),
            categories=names if fits else tuple("" if n % every else str(n) for n in range(len(names))),
        ),
    )
    return Figure("A linear classifier is fitted on the features at every depth, from the input to the head.", (panel,))


def figures(found: Explanation) -> dict[str, Figure]:
    """Return the figures of an explanation by name; those without data are left out."""
    drawn = {}
    network = found.network
    if network.calibration:
        drawn["calibration"] = calibration_figure(
            network.calibration.confidence,
            network.calibration.accuracy,
            error=network.calibration.error,
        )
    if network.by_strength:
        drawn["attack"] = _attack_figure(network)
    if network.maps:
        drawn["features"] = _features_figure(network)
    return drawn


def calibration_figure(confidence: Sequence[float], accuracy: Sequence[float], *, error: float) -> Figure:
    """Show accuracy over confidence; on the diagonal both agree."""
    diagonal = curve("perfect calibration", [0, 1], xs=[0, 1], colour=-1)
    measured = curve("", accuracy, xs=confidence, kind="dots")
    panel = Panel(
        f"Calibration error {error:.1%}".replace("%", " %"),
        "confidence",
        "accuracy",
        (diagonal, measured, curve("", accuracy, xs=confidence)),
        axes=Axes(spans=((0.0, 1.0), (0.0, 1.0))),
    )
    return Figure("Below the line the network is overconfident.", (panel,))


def _attack_figure(network: NetworkExplanation) -> Figure:
    lines = [
        curve(name, list(row.values()), xs=list(row), colour=number)
        for number, (name, row) in enumerate(network.by_strength.items())
    ]
    panel = Panel(
        f"Accuracy under attack ({network.split})",
        "largest change of a pixel, in levels of 256",
        "accuracy",
        tuple(lines),
        axes=Axes(spans=(None, (0.0, 1.0))),
    )
    said = (
        "Fast gradient sign method: every image is changed by the sign of the gradient, away from its class. A "
        "image that is classified wrongly at one strength counts as wrong at every larger one."
    )
    return Figure(said, (panel,))


def _features_figure(network: NetworkExplanation) -> Figure:
    names = {"pca": "Principal component analysis (PCA)", "tsne": "t-SNE"}
    labels = list(dict.fromkeys(sorted(network.classes)))
    panels = []
    for method, places in network.maps.items():
        series = tuple(
            curve(
                label if len(labels) <= _LISTED else "",
                [y for (_, y), name in zip(places, network.classes, strict=True) if name == label],
                xs=[x for (x, _), name in zip(places, network.classes, strict=True) if name == label],
                kind="dots",
                colour=number,
            )
            for number, label in enumerate(labels)
        )
        panels.append(Panel(names.get(method, method), "", "", series))
    return Figure(
        "Each dot is an example, at the projection of its features before the head, in the colour of its class.",
        tuple(panels),
    )


def write_explanation(found: Explanation, folder: Path) -> Path:
    """Write a self-contained page, and every image and figure as PNG and SVG beside it.

    Returns:
        the page, `index.html`.
    Raises:
        StorageError: if the disk refuses.
    """
    from trainwell.explain import png  # imports torch, which reports of runs do not need

    drawn = figures(found)
    with storage_errors(f"Writing the explanation {folder}", folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, pixels in found.images.items():
            atomic_write(folder / f"{file_name(name)}.png", png(enlarged(pixels)))
        for name, figure in drawn.items():
            write_figure(figure, folder / f"{name}.svg", title=name.capitalize())
        path = folder / "index.html"
        atomic_write(path, page_of(f"Explained: {Path(found.image.file or found.run).name}", _body(found, drawn)))
    return path


def file_name(name: str) -> str:
    """Turn a name into a file name that is valid everywhere.

    >>> file_name("adversarial: T-shirt/top")
    'adversarial-T-shirt-top'
    """
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "image"


def enlarged(pixels: Any, side: int = 224) -> Any:
    """Enlarge an image by repeating pixels until its shorter side has `side` of them."""
    times = max(1, -(-side // min(pixels.shape[:2])))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def _body(found: Explanation, drawn: Mapping[str, Figure]) -> list[Markup]:
    image = found.image
    network = found.network
    parts = [tag("header", [tag("p", found.run, class_="above"), tag("h1", _headline(found))])]
    if image.top_classes:
        rows = [[label, percent(share)] for label, share in image.top_classes]
        parts.append(_part("Predictions", [table(["class", "probability"], rows, caption="Predictions")]))
    images = {name: pixels for name, pixels in found.images.items() if not _wide(name)}
    changed = [_card(name, images.pop(name)) for name in list(images) if name.startswith(("adversarial", "change,"))]
    if images:
        about = f"Saliency maps for class {image.explained_class!r}, and the object mask derived from one of them."
        content = [
            tag("p", about, class_="quiet"),
            tag("div", [_card(*row) for row in images.items()], class_="gallery"),
        ]
        parts.append(_part("Saliency", content))
    if image.attacked:
        sentence = tag("p", attack_sentence(image.attacked))
        parts.append(_part("Adversarial example", [sentence, tag("div", changed, class_="gallery")]))
    wide = [_card(name, pixels) for name, pixels in found.images.items() if _wide(name)]
    if wide:
        parts.append(_part("Filters and feature maps", [tag("div", wide, class_="pair")]))
    figures_drawn = [
        tag(
            "figure",
            [draw_lab(figure, title=name.capitalize()), tag("p", figure.caption, class_="quiet")],
            class_="narrow" if len(figure.panels) == 1 else None,
        )
        for name, figure in drawn.items()
    ]
    if figures_drawn:
        errors = ", ".join(f"{name[:3]}-{name[3:]} error {percent(value)}" for name, value in network.errors.items())
        said = f"On {len(network.classes):,} examples of the {network.split} split: {errors}."
        parts.append(_part("The whole network", [tag("p", said), *figures_drawn]))
    if network.mistakes:
        cards = [_card(*row) for row in network.mistakes]
        parts.append(_part("Largest errors", [tag("div", cards, class_="gallery")]))
    if found.remarks:
        parts.append(_part("Not computed", [tag("ul", [tag("li", remark) for remark in found.remarks])]))
    return parts


def attack_sentence(attacked: AdversarialExample) -> str:
    """Say whether an attack changed the prediction to a class."""
    before = percent(attacked.before)
    now = percent(attacked.probability)
    end = "which changes the prediction" if attacked.reached else "which does not change the prediction"
    return (
        f"With no pixel changed by more than {attacked.strength:g} of 256 levels, the probability of "
        f"{attacked.toward} rises from {before} to {now}, {end}."
    )


def _headline(found: Explanation) -> str:
    if not found.image.top_classes:
        return "Explanation of a network"
    label, share = found.image.top_classes[0]
    return f"{Path(found.image.file).name}: {label} ({percent(share)})"


def _wide(name: str) -> bool:
    return name.startswith(("feature maps", "first-layer"))


def _card(name: str, pixels: Any) -> Markup:
    from trainwell.explain import data_uri

    source = data_uri(pixels, shortest_side=112)
    image = tag("img", src=source, alt=name, class_="pixels")
    return tag("figure", [image, tag("figcaption", name)])


def _part(title: str, content: list[Markup]) -> Markup:
    return tag("section", [tag("h2", title), *content])


def summary_json(found: Explanation, page: Path) -> dict[str, Any]:
    """Return an explanation as `explain --json` prints it: everything except the pixels."""
    image = found.image
    network = found.network
    attacked = image.attacked
    judged = network.calibration
    return {
        "run": found.run,
        "image": image.file,
        "class": image.explained_class,
        "guesses": [{"label": label, "probability": share} for label, share in image.top_classes],
        "mask_fraction": image.mask_share,
        "attack": attacked and dataclasses.asdict(attacked),
        "split": network.split,
        "errors": dict(network.errors),
        "calibration_error": judged and judged.error,
        "accuracy_by_strength": {
            name: {f"{strength:g}": value for strength, value in row.items()}
            for name, row in network.by_strength.items()
        },
        "remarks": list(found.remarks),
        "page": str(page),
        "images": [str(page.parent / f"{file_name(name)}.png") for name in found.images],
    }
