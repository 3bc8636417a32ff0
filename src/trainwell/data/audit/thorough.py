"""A thorough audit of the data before training, as one value."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from trainwell.core.errors import MissingExtraError
from trainwell.core.files import plain
from trainwell.core.finding import Finding, Severity, in_order
from trainwell.data.audit.columns import Feature, column_findings, features, numbers
from trainwell.data.audit.duplicates import duplicates
from trainwell.data.audit.labels import Judgement, Suspect, suspicious_labels
from trainwell.data.audit.near_duplicates import Pair
from trainwell.data.audit.order import order_findings
from trainwell.data.audit.quick import audit
from trainwell.data.examples import Examples
from trainwell.data.splits import Splits

_LEAKED = 0.01  # fraction of duplicates among the held-out examples from which scores are unreliable
_SEVERAL = 10
_WRONG_LABELS = 0.03  # docs/references.md, T14
# A model that agrees with fewer labels errs even where it is most confident: of 8,000 images of CIFAR-10 with
# clean labels the fast model agrees with 0.60, and contradicts 0.13 of its most confident ones (benchmarks/audit.py).
_TRUSTED = 0.75
_SHOWN = 10


@dataclass(frozen=True)
class AuditedData:
    """Sizes, classes and inputs of the audited data.

    Args:
        name: name of the data set.
        sizes: examples by split.
        class_counts: label to examples in (train, validation, test).
        features: summary of every input.
    """

    name: str
    sizes: Mapping[str, int]
    class_counts: Mapping[str, tuple[int, int, int]]
    features: tuple[Feature, ...]


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Args:
        data: sizes, classes and inputs.
        findings: most severe first.
        duplicates: pairs of duplicates, exact or near.
        suspects: labels that are probably wrong, most suspicious first.
        remarks: what was inferred, and what could not be checked.
        seconds: duration of the audit.
    """

    data: AuditedData
    findings: tuple[Finding, ...]
    duplicates: tuple[Pair, ...]
    suspects: tuple[Suspect, ...]
    remarks: tuple[str, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, in the shape `audit --json` prints."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "duplicates": [[pair.first, pair.second] for pair in self.duplicates],
            "suspicious_labels": [asdict(suspect) for suspect in self.suspects],
            "sizes": dict(self.data.sizes),
            "class_counts": {label: list(counts) for label, counts in self.data.class_counts.items()},
            "features": [feature._asdict() for feature in self.data.features],
            "remarks": list(self.remarks),
            "seconds": self.seconds,
        }


def examine(examples: Examples, splits: Splits, *, labels: bool = True, judge: str = "fast") -> Audit:
    """Audit data thoroughly, in about a minute [B10].

    Args:
        examples: all examples.
        splits: indices of the training, validation and test examples.
        labels: also find wrong labels; needs the extra `labels`, and adds a remark if it is missing.
        judge: model that finds wrong labels, "fast" or "network".

    >>> from trainwell.data import read, split
    >>> from trainwell.recipe.sections import DataRecipe
    >>> iris = read(DataRecipe(source="iris"))
    >>> examine(iris, split(iris, DataRecipe(), seed=0), labels=False).duplicates
    (Pair(first=101, second=142, agreement=1.0),)
    """
    from threadpoolctl import threadpool_limits

    started = time.perf_counter()
    remarks = list(examples.remarks)
    columns = numbers(examples)
    judged = Judgement([], 0.0, 0.0)
    # Duplicates and labels in parallel, a thread each: their matrix products are too small for several threads.
    with ThreadPoolExecutor(1) as aside, threadpool_limits(1 if judge == "fast" else None):
        looked = aside.submit(duplicates, examples)
        try:
            if labels:
                judged = suspicious_labels(examples, judge=judge)
        except MissingExtraError as problem:
            remarks.append(str(problem))
        pairs = looked.result()
    found = [finding for finding in audit(examples, splits) if finding.rule != "duplicates_across_splits"]
    found += _duplicate_findings(examples, splits, pairs=pairs)
    found += column_findings(examples, splits, columns=columns)
    found += order_findings(examples, splits, columns=columns)
    found += _suspects_found(examples, judged)
    classes = examples.class_numbers
    counts = {}
    if classes is not None:
        parts = [np.bincount(classes[rows], minlength=len(examples.labels)) for rows in _parts(splits)]
        counts = {label: (int(a), int(b), int(c)) for label, a, b, c in zip(examples.labels, *parts, strict=True)}
    return Audit(
        data=AuditedData(examples.name, splits.sizes, class_counts=counts, features=features(columns)),
        findings=in_order(found),
        duplicates=tuple(pairs),
        suspects=tuple(judged.suspects),
        remarks=tuple(remarks),
        seconds=time.perf_counter() - started,
    )


def _parts(splits: Splits) -> tuple[Any, ...]:
    return splits.train, splits.validation, splits.test


def _duplicate_findings(examples: Examples, splits: Splits, *, pairs: list[Pair]) -> list[Finding]:
    """Return findings about duplicates: within a split, across splits, with different labels."""
    part = np.zeros(len(examples), dtype=np.int64)
    for number, rows in enumerate(_parts(splits)):
        part[rows] = number
    across = [pair for pair in pairs if part[pair.first] != part[pair.second]]
    within = [pair for pair in pairs if part[pair.first] == part[pair.second]]
    few_values = examples.kind.repeats_by_chance
    found = []
    if across:
        held = {row for pair in across for row in pair[:2] if part[row]}
        held_out = max(1, len(splits.validation) + len(splits.test))
        fraction = len(held) / held_out
        severe = len(held) >= _SEVERAL and fraction > _LEAKED
        severity = Severity.ERROR if severe else Severity.INFO if few_values else Severity.WARNING
        found.append(
            _duplicate_finding(
                "duplicates_across_splits",
                severity,
                title=f"{len(held):,} of {held_out:,} validation and test examples are duplicates of examples of "
                "another split: scores on them measure memorisation. Keep them in one split with data.group, or delete "
                "them.",
                pairs=across,
                examples=examples,
                evidence={"duplicate_fraction": fraction, "duplicate_fraction_limit": _LEAKED},
            )
        )
    if within:
        title = f"{_pairs(within)} within a split are duplicates or near-duplicates, which count twice."
        found.append(_duplicate_finding("duplicates", Severity.INFO, title=title, pairs=within, examples=examples))
    classes = examples.class_numbers
    if classes is not None:
        torn = [pair for pair in pairs if classes[pair.first] != classes[pair.second]]
        if torn:
            title = f"{_pairs(torn)} are duplicates with different labels: at least one label of each pair is wrong."
            severity = Severity.INFO if few_values else Severity.WARNING
            found.append(
                _duplicate_finding("conflicting_duplicates", severity, title=title, pairs=torn, examples=examples)
            )
    return found


def _pairs(pairs: list[Pair]) -> str:
    return "One pair of examples" if len(pairs) == 1 else f"{len(pairs):,} pairs of examples"


def _duplicate_finding(
    rule: str,
    severity: Severity,
    *,
    title: str,
    pairs: list[Pair],
    examples: Examples,
    evidence: Mapping[str, float] | None = None,
) -> Finding:
    named = sorted(pairs, key=lambda pair: -pair.agreement)[:_SHOWN]
    return Finding(
        rule=rule,
        severity=severity,
        title=title,
        evidence={"pairs": len(pairs), "pairs_limit": 0, **(evidence or {})},
        where=tuple(f"{plain(str(examples.ids[i]))} = {plain(str(examples.ids[j]))}" for i, j, _ in named),
    )


def _suspects_found(examples: Examples, judged: Judgement) -> list[Finding]:
    suspects, agreement, contradicted = judged
    if not suspects:
        return []
    many = contradicted > _WRONG_LABELS and agreement >= _TRUSTED
    said = f"About {100 * contradicted:.0f} % of the labels are wrong: " if many else ""
    return [
        Finding(
            rule="suspicious_labels",
            severity=Severity.WARNING if many else Severity.INFO,
            title=f"{said}{len(suspects):,} of {len(examples):,} {'' if many else 'labels '}contradict those of "
            "similar examples. Check the first of them.",
            evidence={
                "contradicted_where_sure": contradicted,
                "contradicted_where_sure_limit": _WRONG_LABELS,
                "agreement": agreement,
                "agreement_limit": _TRUSTED,
                "suspects": len(suspects),
            },
            where=tuple(f"{plain(str(examples.ids[s.index]))}: {s.given} → {s.suggested}" for s in suspects[:_SHOWN]),
        )
    ]
