"""Rules on the targets, and on the order in which examples come."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import AFTER_INITIALISATION, CONSEQUENCES
from trainwell.rules.locations import line_of
from trainwell.rules.symptoms import at_chance, mean, stalled, validation_stays_at_chance

_READINGS = 6
_FEWEST_TARGETS = 256
_UNRELATED = 2.0  # docs/references.md, T13: healthy data show 12 to 64 standard deviations, shuffled labels below 2.
_SAME = 0.9999  # docs/references.md, T15.
# docs/references.md, T16.
_EXCESS = 0.5  # Share of the way from well-mixed batches (0) to batches of one class each (1).
_MOST_EXPECTED = 0.9  # Where nearly all examples are of one class, batches of one class are normal.


def labels_out_of_range(signals: Signals, facts: Facts) -> Finding | None:
    """Class labels are out of range, or not integers.

    *Why it matters*: PyTorch refuses such a batch, on an accelerator with an error that names something else.
    *Known problems*: none known.
    *Repair*: number the classes from 0 to C - 1 as integers, `y.long()`, or give the network more outputs.

    Reads: code/error/label_out_of_range, code/error/label_type, code/line/*

    ok: code/line/backward/train.py = 57
    bad: code/error/label_out_of_range = 10
    bad: code/error/label_type = 1
    """
    label = signals["code/error/label_out_of_range"]
    if "code/error/label_type" in signals:
        title = "Class labels are not integers: the loss expects class indices of type int64."
        evidence = {}
    elif label:
        title = f"Class label {label.last:.0f} is out of range: the network has no output for it."
        evidence = {"label": label.last}
    else:
        return None
    return Finding(
        rule="labels_out_of_range",
        severity=Severity.ERROR,
        title=title,
        evidence=evidence,
        where=line_of(signals, "error", "backward"),
        explains=CONSEQUENCES,
    )


def unshuffled_data(signals: Signals, facts: Facts) -> Finding | None:
    """The training data are not shuffled: batches hold examples of one class far more often than by chance.

    *Why it matters*: the network learns one class after the other and forgets the one before.
    *Known problems*: streams and curricula that are ordered on purpose.
    *Repair*: `DataLoader(data, shuffle=True)`, or a new `torch.randperm(len(x))` in each epoch.

    Reads: target/same_fraction, target/expected_same_fraction, code/line/*

    ok: target/same_fraction = 0.1*9; target/expected_same_fraction = 0.1*9
    ok: target/same_fraction = 1.0*9; target/expected_same_fraction = 1.0*9
    bad: target/same_fraction = 1.0*9; target/expected_same_fraction = 1.0 0.5 0.3 0.2 0.1*5
    """
    same = signals["target/same_fraction"]
    expected = signals["target/expected_same_fraction"]
    if len(same) < _READINGS or expected.last > _MOST_EXPECTED:
        return None
    seen = mean(same.values)
    limit = expected.last + _EXCESS * (1 - expected.last)
    if seen <= limit:
        return None
    return Finding(
        rule="unshuffled_data",
        severity=Severity.WARNING,
        title=f"The training data are not shuffled: two examples of a batch have the same class in {seen:.0%} of the "
        f"pairs, in shuffled data {expected.last:.0%} (limit {limit:.0%}).",
        evidence={"same_class_fraction": seen, "same_class_fraction_limit": limit, "expected": expected.last},
        where=line_of(signals, "forward"),
        step=same.steps[0],
        explains=("classes_missing_in_training", "labels_unrelated", *AFTER_INITIALISATION),
    )


def labels_unrelated(signals: Signals, facts: Facts) -> Finding | None:
    """Labels are unrelated to the inputs: similar inputs have targets no more alike than by chance.

    *Why it matters*: inputs and labels were shuffled separately, or one of them was shifted against the other.
    *Known problems*: relations that no two neighbours show (parity, single letters in text) exist, so it reports only
    where the network, too, is no better than chance.
    *Repair*: index both with the same order, `x[order], y[order]`; look at ten examples with their labels.

    Reads: target/relation, symptoms, code/line/*

    ok: target/relation = 30; loss/train = 2.3*25 @10; chance_loss = 2.3
    ok: target/relation = 0.5; loss/train = 2.3*5 0.1*20 @10; chance_loss = 2.3
    bad: target/relation = 0.5; loss/train = 2.3*25 @10; chance_loss = 2.3
    bad: target/relation = -0.5; loss/train = 2.3*5 1.9*20 @10; loss/validation = 2.3 2.5 2.6; chance_loss = 2.3
    """
    relation = signals["target/relation"]
    if not relation or not relation.last < _UNRELATED:
        return None
    if not (at_chance(signals, facts) or validation_stays_at_chance(signals, facts) or stalled(signals)):
        return None
    return Finding(
        rule="labels_unrelated",
        severity=Severity.ERROR,
        title="Labels are unrelated to the inputs: targets of nearest neighbours agree by "
        f"{relation.last:.1f} standard deviations more than shuffled ones (limit {_UNRELATED:g}).",
        evidence={
            "relation_to_inputs_in_deviations": relation.last,
            "relation_to_inputs_in_deviations_limit": _UNRELATED,
        },
        where=line_of(signals, "forward"),
        explains=AFTER_INITIALISATION,
    )


def targets_constant(signals: Signals, facts: Facts) -> Finding | None:
    """All targets are identical.

    *Why it matters*: the loss falls to zero, and nothing is learned from the inputs.
    *Known problems*: none known. GANs, and contrastive losses whose positive is always in the first place, are not
    judged, because there it is normal.
    *Repair*: look at the labels: a comparison like `y > 10` may hold for none of them, or a file was read wrongly.

    Reads: target/std, loss/train, code/answers_compared, code/line/*

    ok: loss/train = 2.3 1.0 0.5; has_classes = True; class_counts = (300, 1)
    ok: loss/train = 5.5 5.4 5.3; has_classes = True; class_counts = (300,); code/answers_compared = 1 1 1
    bad: loss/train = 2.3 1.0 0.5; has_classes = True; class_counts = (300, 0)
    bad: loss/train = 2.3 1.0 0.5; numeric_target = True; target/std = 0*8
    """
    spread = signals["target/std"]
    counts = facts.class_counts
    one_class = facts.has_classes and sum(counts) >= _FEWEST_TARGETS and max(counts) == sum(counts)
    one_number = facts.numeric_target and len(spread) >= _READINGS and max(spread.values) == 0
    if not signals["loss/train"] or signals["code/answers_compared"] or not (one_class or one_number):
        return None
    subject = f"{sum(counts)} targets are of one class" if one_class else "targets have the same value"
    return Finding(
        rule="targets_constant",
        severity=Severity.ERROR,
        title=f"Constant targets: all {subject}, so there is nothing to predict.",
        evidence={"distinct_targets": 1.0, "distinct_targets_limit": 2.0},
        where=line_of(signals, "forward"),
        step=0,
        explains=AFTER_INITIALISATION,
    )


def target_leakage(signals: Signals, facts: Facts) -> Finding | None:
    """Target leakage: one of the input columns is the target itself.

    *Why it matters*: the network copies it, and fails where the target is not known yet.
    *Known problems*: formulas made up for practice. Inputs of a single column are not judged.
    *Repair*: drop the column, `table.drop(columns=["target"])`, and whatever is computed from it.

    Reads: target/correlation, code/line/*

    ok: target/correlation = 0.97
    bad: target/correlation = 1.0
    """
    correlation = signals["target/correlation"]
    if not correlation or not correlation.last > _SAME:
        return None
    return Finding(
        rule="target_leakage",
        severity=Severity.ERROR,
        title=f"Target leakage: an input column has a correlation of {correlation.last:.5f} with the target "
        f"(limit {_SAME:g}).",
        evidence={"correlation": correlation.last, "correlation_limit": _SAME},
        where=line_of(signals, "forward"),
        step=correlation.steps[0],
    )
