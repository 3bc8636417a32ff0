"""The sections of the report: each takes a snapshot and returns HTML, or None where the run has nothing to show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trainwell.core.finding import Finding, folded
from trainwell.report import figures
from trainwell.report.figures.markup import Child, Markup, join, table, tag
from trainwell.report.text.baselines import baselines
from trainwell.report.text.findings import FindingParts, finding_parts
from trainwell.report.text.verdict import next_steps
from trainwell.report.text.words import (
    SPLITS,
    aligned,
    capitalised,
    number,
    percent,
    plural,
    printable,
    unbroken,
    words,
)
from trainwell.runs import Snapshot

_IMAGE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/]+={0,2}")
_IMAGES_BYTES = 2_500_000
_MOST_MISTAKES = 24
_MOST_LAYERS = 200
_MOST_FEATURES = 8


def findings(snapshot: Snapshot) -> Markup:
    """Show what is wrong: problem, evidence, lines of code, repairs; symptoms under their cause."""
    if not snapshot.findings:
        recorded = plural(len(snapshot.signals), "signal")
        return tag("p", f"No problems were found in {recorded}.", class_="quiet")
    return join(
        [finding(cause, symptoms, recipe_text=snapshot.recipe) for cause, symptoms in folded(snapshot.findings)]
    )


def finding(cause: Finding, symptoms: Sequence[Finding] = (), *, recipe_text: str = "") -> Markup:
    """Show one finding as the terminal does: problem, place, evidence, lines of code, repairs and symptoms."""
    parts = finding_parts(cause, symptoms, recipe_text=recipe_text)
    shown: list[Child] = [tag("p", capitalised(parts.severity), class_="sign"), tag("h3", parts.title), _place(parts)]
    shown += [tag("pre", tag("code", f"{place}:  {line}")) for place, line in parts.place.source_lines]
    shown.append(tag("div", [_evidence(parts), _repairs(parts)], class_="pair"))
    if parts.symptoms:
        titles = "; ".join(title.rstrip(".") for title in parts.symptoms)
        shown.append(tag("p", f"This also explains: {titles}.", class_="quiet"))
    return tag("article", shown, class_=f"finding {cause.severity}")


def _place(parts: FindingParts) -> Markup:
    shown: list[Child] = [tag("code", parts.rule)]
    if parts.place.since:
        shown.append(f", {parts.place.since}")
    for nth, place in enumerate(parts.place.places):
        shown += [", " if nth else ", in ", tag("code", place)]
    return tag("p", [*shown, "."], class_="where")


def _evidence(parts: FindingParts) -> Markup | None:
    if not parts.evidence:
        return None
    heads = ["evidence", "measured", "limit"]
    count = 3 if any(limit for _, _, limit in parts.evidence) else 2
    rows = [row[:count] for row in parts.evidence]
    return table(heads[:count], rows, caption=f"Evidence for: {parts.title}")


def _repairs(parts: FindingParts) -> Markup | None:
    if not parts.repairs:
        return None
    items = [
        tag("li", [_with_code(repair.title), tag("code", repair.change) if repair.change else None])
        for repair in parts.repairs
    ]
    lead = "Repairs, best first" if len(items) > 1 else "Repair"
    return tag("div", [tag("p", lead, class_="lead"), tag("ol" if len(items) > 1 else "ul", items)], class_="repairs")


def _with_code(text: str) -> list[Child]:
    """Show what stands between backquotes as code."""
    return [tag("kbd", part) if nth % 2 else part for nth, part in enumerate(text.split("`"))]


def scores(snapshot: Snapshot) -> Markup | None:
    """List every score of every split, with the simple methods beside the network."""
    splits = [split for split in SPLITS if snapshot.run.scores.get(split)]
    names = list(dict.fromkeys(name for split in splits for name in snapshot.run.scores[split]))
    parts: list[Child] = []
    if names:
        names.sort(key=lambda name: name != snapshot.main_score)
        rows = [
            [tag("strong", words(name)) if name == snapshot.main_score else words(name)]
            + aligned(snapshot.run.scores[split].get(name) for split in splits)
            for name in names
        ]
        listed = table(["", *(SPLITS[split] for split in splits)], rows, caption="Scores")
        once = "The test split was used once, at the end; nothing was chosen on it." if "test" in splits else None
        parts.append(tag("div", [listed, tag("p", once, class_="quiet") if once else None]))
    if compared := baselines(snapshot):
        parts.append(_figure(figures.draw_baselines(compared), "Comparison with simple methods"))
    return tag("div", parts, class_="pair") if parts else None


def curves(snapshot: Snapshot) -> Markup | None:
    """Draw loss and its parts, score, learning rate and gradient over training."""
    infos = [
        figures.loss_info(snapshot),
        figures.loss_parts_info(snapshot),
        figures.score_info(snapshot),
        figures.rate_info(snapshot),
        figures.gradient_info(snapshot),
    ]
    drawn = [_figure(figures.draw_curves(info), info.title) for info in infos if info]
    return tag("div", drawn, class_="pair") if drawn else None


def classes(snapshot: Snapshot) -> Markup | None:
    """Show confusion matrix, scores by class and calibration, or predicted over true values."""
    parts: list[Child] = []
    if confusion := figures.confusion_info(snapshot):
        listed = [
            tag(
                "li",
                [
                    tag("b", pair.true),
                    " predicted as ",
                    tag("b", pair.predicted),
                    unbroken(f": {pair.times} ({percent(pair.share)})"),
                ],
            )
            for pair in confusion.worst
        ]
        most = [tag("p", "Most frequent confusions", class_="lead"), tag("ol", listed)] if listed else None
        drawn = figures.draw_confusion(confusion)
        parts.append(_figure(join([drawn, most]), f"Confusion matrix ({confusion.split})"))
    if per_class := figures.per_class_info(snapshot):
        parts.append(_figure(figures.draw_per_class(per_class), f"Scores by class, lowest first ({per_class.split})"))
    if calibration := figures.calibration_info(snapshot):
        drawn = join([figures.draw_calibration(calibration), tag("p", calibration.says, class_="quiet")])
        parts.append(_figure(drawn, f"Calibration ({calibration.split})"))
    if scatter := figures.scatter_info(snapshot):
        parts.append(_figure(figures.draw_scatter(scatter), f"Predicted and true values ({scatter.split})"))
    return tag("div", parts, class_="pair") if parts else None


def mistakes(snapshot: Snapshot) -> Markup | None:
    """Show the examples with the largest loss: as images where there are any, else as rows."""
    rows = snapshot.event("mistakes").get("rows", [])[:_MOST_MISTAKES]
    if not rows:
        return None
    if any(_image(row) for row in rows):
        left = _IMAGES_BYTES
        cards = []
        for row in rows:
            source = _image(row)
            left -= len(source or "")
            cards.append(_card(row, source if left >= 0 else None))
        return tag("div", cards, class_="gallery")
    features = list(dict.fromkeys(name for row in rows for name in row.get("row") or {}))[:_MOST_FEATURES]
    sure = any(_confidence(row) for row in rows)
    heads = ["example", "true", "predicted", *(["confidence"] if sure else []), "loss", *map(printable, features)]
    cells = [
        [
            printable(row.get("id")),
            *_true_and_predicted(row),
            *([_confidence(row)] if sure else []),
            number(row.get("loss")),
        ]
        + [_value((row.get("row") or {}).get(name)) for name in features]
        for row in rows
    ]
    return table(heads, cells, texts=1 if all(map(_is_number, rows)) else 3, caption="Examples with the largest loss")


def _is_number(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("true"), int | float)


def _image(row: Mapping[str, Any]) -> str | None:
    source = row.get("image")
    return source if isinstance(source, str) and _IMAGE.fullmatch(source) else None


def _true_and_predicted(row: Mapping[str, Any]) -> tuple[str, str]:
    return _value(row.get("true")), _value(row.get("predicted"))


def _confidence(row: Mapping[str, Any]) -> str:
    value = row.get("confidence")
    return percent(value) if isinstance(value, int | float) else ""


def _value(value: object) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else printable(value)


def _card(row: Mapping[str, Any], source: str | None) -> Markup:
    true, predicted = _true_and_predicted(row)
    sure = _confidence(row)
    image = tag("img", src=source, alt=f"Example {printable(row.get('id'))}") if source else None
    instead = [", true label ", tag("b", true)] if true != predicted else " (correct)"
    said = [tag("b", predicted), instead, unbroken(f", confidence {sure}") if sure else ""]
    small = tag("small", printable(row.get("id"), limit=60))
    return tag("figure", [image, tag("figcaption", [said, small])])


def data(snapshot: Snapshot) -> Markup | None:
    """Describe the data."""
    event = snapshot.event("data")
    if not event:
        return None
    sizes = event.get("sizes", {})
    shape = " × ".join(number(size) for size in event.get("input_shape", ()))
    pairs = [
        ("source", printable(event.get("source", ""))),
        ("kind", printable(event.get("kind", ""))),
        ("task", printable(event.get("task", ""))),
        ("examples", ", ".join(f"{number(count)} {printable(split)}" for split, count in sizes.items())),
        ("input", shape),
        ("classes", _listing(event.get("labels"))),
        ("features", _listing(event.get("features"))),
        ("fingerprint", tag("code", printable(event["fingerprint"])) if event.get("fingerprint") else ""),
    ]
    remarks = [tag("li", printable(remark)) for remark in event.get("remarks", ())]
    return join([definitions(pairs), tag("ul", remarks) if remarks else None])


def _listing(names: Any) -> str:
    names = [printable(name) for name in names or ()]
    return ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")


def definitions(pairs: Sequence[tuple[str, Child]]) -> Markup:
    """List names and values; pairs without a value are left out."""
    return tag("dl", [tag("div", [tag("dt", name), tag("dd", value)]) for name, value in pairs if value])


def network(snapshot: Snapshot) -> Markup | None:
    """List the layers, with the ratio of update to weight at the last step where that was recorded."""
    event = snapshot.event("network")
    layers = event.get("layers", [])[:_MOST_LAYERS]
    if not layers:
        return None
    ratios = {name: series.last for name, series in snapshot.signals.under("update/ratio").items() if len(series)}
    heads = ["layer", "type", "output", "parameters"] + (["last update / weight"] if ratios else [])
    rows: list[list[Child]] = []
    for layer in layers:
        output = layer.get("output")
        shape = " × ".join(map(number, output)) if isinstance(output, list) else printable(output or "")
        row: list[Child] = [tag("code", printable(layer.get("name"))), printable(layer.get("type"))]
        row += [shape, number(layer.get("parameters"))]
        if ratios:
            ratio = ratios.get(f"{layer.get('name')}.weight")
            row.append("" if ratio is None else f"{ratio:.1e}".replace("e-0", "e-"))
        rows.append(row)
    filters = _image(snapshot.event("filters"))
    shown = tag("img", src=filters, alt="Filters of the first layer", class_="filters") if filters else None
    total = f"{plural(event.get('parameters', 0), 'trainable parameter')}."
    healthy = " A typical ratio of update to weight is 1e-3." if ratios else ""
    listed = table(heads, rows, texts=3, caption="Layers of the network")
    drawn = _figure(shown, "Filters of the first layer") if shown else None
    return join([listed, tag("p", total + healthy, class_="quiet"), drawn])


def recipe(snapshot: Snapshot) -> Markup | None:
    """Show the recipe."""
    if not snapshot.recipe.strip():
        return None
    text = printable(snapshot.recipe, limit=60_000, lines=True)
    return tag("pre", tag("code", text), tabindex=0, aria_label="The recipe")


def how(snapshot: Snapshot) -> Markup | None:
    """List the commands that are useful next."""
    steps = next_steps(snapshot)
    return definitions([(what.capitalize(), tag("code", command)) for what, command in steps]) if steps else None


def environment(snapshot: Snapshot) -> Markup | None:
    """List what is needed to reproduce the run: seed, data, versions, machine, command."""
    found = snapshot.environment
    packages = found.get("packages", {})
    versions = ", ".join(f"{printable(name)} {printable(version)}" for name, version in packages.items() if version)
    pairs = [
        ("seed", snapshot.setting("seed")),
        (
            "data",
            tag("code", printable(snapshot.event("data").get("fingerprint", ""))) if snapshot.event("data") else "",
        ),
        ("versions", versions),
        ("python", printable(found.get("python", ""))),
        ("machine", printable(found.get("platform", ""))),
        ("command", tag("code", " ".join(map(printable, found["argv"]))) if found.get("argv") else ""),
        ("run", tag("code", printable(snapshot.run.path))),
        ("started", printable(snapshot.run.created)),
    ]
    return definitions(pairs)


def _figure(drawn: Child, title: str) -> Markup:
    return tag("figure", [tag("figcaption", title), drawn])
