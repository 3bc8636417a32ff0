"""The sections of the page: each takes a snapshot and returns HTML, or None where the run has nothing to show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trainwell.core.finding import Finding, Severity
from trainwell.report import figures
from trainwell.report.figures.markup import Child, Markup, join, table, tag
from trainwell.report.text.findings import evidence_rows, folded
from trainwell.report.text.repairs import cures
from trainwell.report.text.snapshot import Snapshot
from trainwell.report.text.verdict import next_steps
from trainwell.report.text.words import aligned, number, percent, plural, printable, unbroken, words

_PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/]+={0,2}")
_PICTURES_BYTES = 2_500_000
_MOST_MISTAKES, _MOST_LAYERS, _MOST_FEATURES = 24, 200, 8
_SIGNS = {Severity.ERROR: "Error", Severity.WARNING: "Warning", Severity.INFO: "Hint"}


def findings(snapshot: Snapshot) -> Markup:
    """Show what is wrong: problem, evidence, cure; symptoms folded under their cause."""
    if not snapshot.findings:
        seen = plural(len(snapshot.signals), "signal")
        return tag("p", f"Nothing was found wrong. {seen} were recorded and judged.", class_="quiet")
    return join([finding(cause, symptoms, snapshot.recipe) for cause, symptoms in folded(snapshot.findings)])


def finding(finding: Finding, symptoms: tuple[Finding, ...] = (), recipe_text: str = "") -> Markup:
    """Show one finding: problem, place, evidence, cures, and the symptoms it explains."""
    parts: list[Child] = [tag("p", _SIGNS[finding.severity], class_="sign"), tag("h3", printable(finding.title))]
    place = [tag("code", printable(name)) for name in finding.where[:6]]
    more = [f" and {len(finding.where) - 6} more"] if len(finding.where) > 6 else []
    at = f"First seen at step {number(finding.step)}" if finding.step is not None else ""
    if place or at:
        between = ", in " if at and place else "In " if place else ""
        listed = [child for code in place for child in (", ", code)][1:]
        parts.append(tag("p", [at, between, listed, more, "."], class_="where"))
    parts.append(tag("div", [_evidence(finding), _cures(finding, recipe_text)], class_="pair"))
    if symptoms:
        said = "; ".join(printable(symptom.title).rstrip(".") for symptom in symptoms)
        parts.append(tag("p", f"This also explains: {said}.", class_="quiet"))
    parts.append(tag("p", ["Rule ", tag("code", printable(finding.rule))], class_="quiet"))
    return tag("article", parts, class_=f"finding {finding.severity}")


def _evidence(finding: Finding) -> Markup | None:
    rows = evidence_rows(finding)
    if not rows:
        return None
    cells = [[row.name, number(row.value), row.limit] for row in rows]
    limits = any(row.limit for row in rows)
    heads = ["evidence", "seen", "limit"] if limits else ["evidence", "seen"]
    return table(heads, [cell[: len(heads)] for cell in cells], caption=f"Evidence for: {printable(finding.title)}")


def _cures(finding: Finding, recipe_text: str) -> Markup | None:
    found = cures(finding, recipe_text)
    if not found:
        return None
    items = [
        tag("li", [printable(cure.title), tag("code", printable(cure.change)) if cure.change else None])
        for cure in found
    ]
    lead = "What to do" + (", best first" if len(items) > 1 else "")
    return tag("div", [tag("p", lead, class_="lead"), tag("ol" if len(items) > 1 else "ul", items)], class_="cures")


def scores(snapshot: Snapshot) -> Markup | None:
    """List every score of every split, beside the comparison with simple methods."""
    splits = [split for split in ("train", "validation", "test") if snapshot.scores.get(split)]
    names = list(dict.fromkeys(name for split in splits for name in snapshot.scores[split]))
    parts: list[Child] = []
    if names:
        names.sort(key=lambda name: name != snapshot.main_score)
        rows = [
            [tag("strong", words(name)) if name == snapshot.main_score else words(name)]
            + aligned(snapshot.scores[split].get(name) for split in splits)
            for name in names
        ]
        listed = table(["", *({"train": "training"}.get(split, split) for split in splits)], rows, caption="Scores")
        sealed = "The test split was sealed until the end; nothing was chosen on it." if "test" in splits else None
        parts.append(tag("div", [listed, tag("p", sealed, class_="quiet") if sealed else None]))
    if info := figures.baselines_info(snapshot):
        parts.append(_figure(figures.draw_baselines(info), "Beside simple methods"))
    return tag("div", parts, class_="pair") if parts else None


def curves(snapshot: Snapshot) -> Markup | None:
    """Draw the course of the training."""
    infos = [
        figures.loss_info(snapshot),
        figures.score_info(snapshot),
        figures.rate_info(snapshot),
        figures.gradient_info(snapshot),
    ]
    drawn = [_figure(figures.draw_curves(info), info.title) for info in infos if info]
    return tag("div", drawn, class_="pair") if drawn else None


def classes(snapshot: Snapshot) -> Markup | None:
    """Show which classes are mixed up."""
    parts: list[Child] = []
    if confusion := figures.confusion_info(snapshot):
        listed = [
            tag(
                "li",
                [
                    tag("b", pair.true),
                    " taken for ",
                    tag("b", pair.predicted),
                    unbroken(f": {pair.times} ({percent(pair.share)})"),
                ],
            )
            for pair in confusion.worst
        ]
        most = [tag("p", "Most frequent confusions", class_="lead"), tag("ol", listed)] if listed else None
        drawn = figures.draw_confusion(confusion)
        parts.append(_figure(join([drawn, most]), f"Who is taken for whom ({confusion.split})"))
    if per_class := figures.per_class_info(snapshot):
        parts.append(_figure(figures.draw_per_class(per_class), f"Class by class, worst first ({per_class.split})"))
    if sureness := figures.calibration_info(snapshot):
        title = f"As right as it is sure? ({sureness.split})"
        parts.append(
            _figure(join([figures.draw_calibration(sureness), tag("p", sureness.says, class_="quiet")]), title)
        )
    if scatter := figures.scatter_info(snapshot):
        parts.append(_figure(figures.draw_scatter(scatter), f"Prediction and truth ({scatter.split})"))
    return tag("div", parts, class_="pair") if parts else None


def mistakes(snapshot: Snapshot) -> Markup | None:
    """Show the examples that cost most: as pictures where there are any, else as rows."""
    rows = snapshot.event("mistakes").get("rows", [])[:_MOST_MISTAKES]
    if not rows:
        return None
    if any(_picture(row) for row in rows):
        left, cards = _PICTURES_BYTES, []
        for row in rows:
            source = _picture(row)
            left -= len(source or "")
            cards.append(_card(row, source if left >= 0 else None))
        return tag("div", cards, class_="gallery")
    features = list(dict.fromkeys(name for row in rows for name in row.get("row") or {}))[:_MOST_FEATURES]
    sure = any(_confidence(row) for row in rows)
    heads = ["example", "true", "predicted", *(["confidence"] if sure else []), "loss", *map(printable, features)]
    cells = [
        [printable(row.get("id")), *_answers(row), *([_confidence(row)] if sure else []), number(row.get("loss"))]
        + [_value((row.get("row") or {}).get(name)) for name in features]
        for row in rows
    ]
    return table(heads, cells, texts=1 if all(map(_is_number, rows)) else 3, caption="Worst mistakes")


def _is_number(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("true"), int | float)


def _picture(row: Mapping[str, Any]) -> str | None:
    source = row.get("picture")
    return source if isinstance(source, str) and _PICTURE.fullmatch(source) else None


def _answers(row: Mapping[str, Any]) -> tuple[str, str]:
    return _value(row.get("true")), _value(row.get("predicted"))


def _confidence(row: Mapping[str, Any]) -> str:
    value = row.get("confidence")
    return percent(value) if isinstance(value, int | float) else ""


def _value(value: object) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else printable(value)


def _card(row: Mapping[str, Any], source: str | None) -> Markup:
    true, predicted = _answers(row)
    sure = _confidence(row)
    picture = tag("img", src=source, alt=f"Example {printable(row.get('id'))}") if source else None
    instead = [" instead of ", tag("b", true)] if true != predicted else " is right"
    said = [tag("b", predicted), instead, unbroken(f", {sure} sure") if sure else ""]
    small = tag("small", printable(row.get("id"), limit=60))
    return tag("figure", [picture, tag("figcaption", [said, small])])


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
    """List the layers, with how strongly each was changed at the end where that was recorded."""
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
    filters = _picture(snapshot.event("filters"))
    shown = tag("img", src=filters, alt="Filters of the first layer", class_="filters") if filters else None
    total = f"{plural(event.get('parameters', 0), 'trainable parameter')} in all."
    healthy = " A step usually changes a weight by about a thousandth of its size." if ratios else ""
    listed = table(heads, rows, texts=3, caption="Layers of the network")
    drawn = _figure(shown, "Filters of the first layer") if shown else None
    return join([listed, tag("p", total + healthy, class_="quiet"), drawn])


def recipe(snapshot: Snapshot) -> Markup | None:
    """Show the recipe as it was."""
    if not snapshot.recipe.strip():
        return None
    text = printable(snapshot.recipe, limit=60_000, lines=True)
    return tag("pre", tag("code", text), tabindex=0, aria_label="The recipe")


def how(snapshot: Snapshot) -> Markup | None:
    """Say which commands lead on from here."""
    steps = next_steps(snapshot)
    return definitions([(what.capitalize(), tag("code", command)) for what, command in steps]) if steps else None


def environment(snapshot: Snapshot) -> Markup | None:
    """Say what is needed to get the same result again."""
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
        ("run", tag("code", printable(snapshot.path))),
        ("started", printable(snapshot.created)),
    ]
    return definitions(pairs)


def _figure(drawn: Child, title: str) -> Markup:
    return tag("figure", [tag("figcaption", title), drawn])
