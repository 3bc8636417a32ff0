"""Rules on the targets of a training and the order in which they come."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.places import SYMPTOMS, line_of

_READINGS = 6
_EXCESS = 0.5  # Share of the way from well-mixed batches (0) to batches of one class each (1).
_FEWEST_CLASSES_SHARE = 0.9  # Where nearly all examples are of one class, batches of one class are normal.


def labels_out_of_range(signals: Signals, facts: Facts) -> Finding | None:
    """A class number is none of the classes the network has outputs for, or is no whole number.

    *Why it matters*: PyTorch refuses such a batch, on an accelerator with an error that names something else.
    *Known problems*: none known.
    *Cure*: number the classes from 0 to outputs - 1 as integers, `y.long()`, or give the network more outputs.

    Reads: code/error/label_out_of_range, code/error/label_type, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/label_out_of_range = 10
    bad: code/error/label_type = 1
    """
    if "code/error/label_type" in signals:
        title, evidence = "The class numbers are no whole numbers.", {}
    elif label := signals["code/error/label_out_of_range"]:
        title = f"There is an example of class {label.last:.0f}, for which the network has no output."
        evidence = {"label": label.last}
    else:
        return None
    return Finding(
        rule="labels_out_of_range",
        severity=Severity.ERROR,
        title=title,
        evidence=evidence,
        where=line_of(signals, "error", "backward"),
        explains=SYMPTOMS,
    )


def unshuffled_data(signals: Signals, facts: Facts) -> Finding | None:
    """Batches hold examples of the same class far more often than chance mixes them.

    *Why it matters*: the network learns one class after the other and forgets the one before.
    *Known problems*: streams and curricula that are ordered on purpose.
    *Cure*: `DataLoader(data, shuffle=True)`, or `torch.randperm(len(x))` anew in each epoch.

    Reads: target/same_fraction, target/expected_same_fraction, code/line/*

    ok: target/same_fraction = 0.1*9; target/expected_same_fraction = 0.1*9
    ok: target/same_fraction = 1.0*9; target/expected_same_fraction = 1.0*9
    bad: target/same_fraction = 1.0*9; target/expected_same_fraction = 1.0 0.5 0.3 0.2 0.1*5
    """
    same, expected = signals["target/same_fraction"], signals["target/expected_same_fraction"]
    if len(same) < _READINGS or expected.last > _FEWEST_CLASSES_SHARE:
        return None
    seen = statistics.fmean(same.values)
    limit = expected.last + _EXCESS * (1 - expected.last)
    if seen <= limit:
        return None
    return Finding(
        rule="unshuffled_data",
        severity=Severity.WARNING,
        title="The examples come sorted by class: most batches hold one class only.",
        evidence={"same_class_fraction": seen, "same_class_fraction_limit": limit, "expected": expected.last},
        where=line_of(signals, "forward"),
        step=same.steps[0],
        explains=SYMPTOMS[2:],
    )
