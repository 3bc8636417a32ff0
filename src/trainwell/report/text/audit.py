"""The result of an audit as text for the terminal."""

from __future__ import annotations

from trainwell.core.finding import Severity
from trainwell.data import Audit
from trainwell.report.text.findings import findings_text
from trainwell.report.text.layout import columns, wrapped
from trainwell.report.text.words import SEVERITIES, SPLITS, duration, number, percent, plural, printable


def audit_text(audit: Audit) -> str:
    """Return the result of an audit for the terminal: sizes, inputs, suspicious labels, notes, findings."""
    data = audit.data
    total = sum(data.sizes.values())
    sizes = ", ".join(f"{count:,} {SPLITS.get(split, split)}" for split, count in data.sizes.items())
    blocks = [f"{printable(data.name)}: {total:,} examples, {sizes}"]
    if data.class_counts:
        rows = [["class", *SPLITS.values()]]
        rows += [[printable(label, limit=24), *map(number, n)] for label, n in list(data.class_counts.items())[:12]]
        blocks.append(columns(rows) + _more(len(data.class_counts) - 12, "class", many="classes"))
    if data.features:
        rows = [["input", "missing", "minimum", "mean", "maximum"]]
        rows += [[printable(f.name, limit=24), percent(f.missing), *map(number, f[2:])] for f in data.features[:12]]
        blocks.append(columns(rows) + _more(len(data.features) - 12, "input", many="inputs"))
    if audit.suspects:
        rows = [["example", "given label", "suggested", "confidence"]]
        rows += [
            [number(s.index), printable(s.given, limit=24), printable(s.suggested, limit=24), percent(s.confidence)]
            for s in audit.suspects[:8]
        ]
        blocks.append(columns(rows) + _more(len(audit.suspects) - 8, "label", many="labels"))
    blocks += [wrapped(f"note: {printable(remark)}") for remark in audit.remarks]
    blocks.append(findings_text(audit.findings) or "No problems were found.")
    blocks.append(audit_verdict(audit))
    return "\n\n".join(blocks)


def _more(count: int, one: str, *, many: str) -> str:
    return f"\n  and {count:,} more {one if count == 1 else many}" if count > 0 else ""


def audit_verdict(audit: Audit) -> str:
    """Return how much was found, in two sentences."""
    severities = [finding.severity for finding in audit.findings]
    counts = [plural(severities.count(kind), SEVERITIES[kind]) for kind in Severity if kind in severities]
    found = ", ".join(counts) or "no problems"
    pairs = plural(len(audit.duplicates), "pair") + " of duplicates"
    labels = plural(len(audit.suspects), "suspicious label")
    examined = f"{sum(audit.data.sizes.values()):,} examples in {duration(audit.seconds)}"
    return f"Found {found}, {pairs} and {labels}. Examined {examined}."
