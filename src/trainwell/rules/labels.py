"""Rules on the targets of a training and the order in which they come."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import SYMPTOMS, line_of
from trainwell.rules.symptoms import at_chance, stalled, validation_stays_at_chance

_READINGS = 6
_FEWEST_TARGETS = 256
# Diagnosis D7: healthy data show 12 (raw photographs) to 64 standard deviations, shuffled labels less than 2.
_UNRELATED = 2.0
_SAME = 0.9999  # Correlation of a column with the target; no real column of a real table predicts so well.
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
    title = "The examples come sorted by class: most batches hold one class only."
    evidence = {"same_class_fraction": seen, "same_class_fraction_limit": limit, "expected": expected.last}
    where = line_of(signals, "forward")
    return Finding(
        "unshuffled_data",
        Severity.WARNING,
        title,
        evidence=evidence,
        where=where,
        step=same.steps[0],
        explains=("classes_missing_in_training", "labels_unrelated", *SYMPTOMS[2:]),
    )


def labels_unrelated(signals: Signals, facts: Facts) -> Finding | None:
    """Similar inputs have targets no more alike than chance makes them, and the network learns nothing of use.

    *Why it matters*: inputs and labels were shuffled apart, or one of them was shifted against the other.
    *Known problems*: relations that no two neighbours show (parity, single letters in text) exist; so it speaks
    only where the network, too, is no better than guessing.
    *Cure*: index both with the same order, `x[order], y[order]`; look at ten examples with their labels.

    Reads: target/relation, symptoms, code/line/*

    ok: target/relation = 30; loss/train = 2.3*25 @10; chance_loss = 2.3
    ok: target/relation = 0.5; loss/train = 2.3*5 0.1*20 @10; chance_loss = 2.3
    bad: target/relation = 0.5; loss/train = 2.3*25 @10; chance_loss = 2.3
    bad: target/relation = -0.5; loss/train = 2.3*5 1.9*20 @10; loss/validation = 2.3 2.5 2.6; chance_loss = 2.3
    """
    relation = signals["target/relation"]
    useless = at_chance(signals, facts) or validation_stays_at_chance(signals, facts) or stalled(signals)
    if not relation or not relation.last < _UNRELATED or not useless:
        return None
    title = "The targets have nothing to do with the inputs: they seem to be shuffled or shifted against each other."
    name = "relation_to_inputs_in_deviations"
    evidence = {name: relation.last, f"{name}_limit": _UNRELATED}
    where = line_of(signals, "forward")
    return Finding(
        "labels_unrelated", Severity.ERROR, title, evidence=evidence, where=where, step=None, explains=SYMPTOMS[2:]
    )


def targets_constant(signals: Signals, facts: Facts) -> Finding | None:
    """All targets are the same.

    *Why it matters*: the loss falls to zero, and nothing is learned of the inputs.
    *Known problems*: none known; networks that play against each other, and contrastive losses whose right answer is
    always in the first place, where that is normal, are not judged.
    *Cure*: look at the labels: a comparison like `y > 10` may hold for none of them, or a file was read wrongly.

    Reads: target/std, loss/train, code/answers_compared, code/line/*

    ok: loss/train = 2.3 1.0 0.5; has_classes = True; class_counts = (300, 1)
    ok: loss/train = 5.5 5.4 5.3; has_classes = True; class_counts = (300,); code/answers_compared = 1 1 1
    bad: loss/train = 2.3 1.0 0.5; has_classes = True; class_counts = (300, 0)
    bad: loss/train = 2.3 1.0 0.5; numeric_target = True; target/std = 0*8
    """
    spread, counts = signals["target/std"], facts.class_counts
    one_class = facts.has_classes and sum(counts) >= _FEWEST_TARGETS and max(counts) == sum(counts)
    one_number = facts.numeric_target and len(spread) >= _READINGS and max(spread.values) == 0
    if not signals["loss/train"] or signals["code/answers_compared"] or not (one_class or one_number):
        return None
    title = "All targets are the same, so there is nothing to tell apart."
    evidence = {"distinct_targets": 1.0, "distinct_targets_limit": 2.0}
    where = line_of(signals, "forward")
    return Finding(
        "targets_constant", Severity.ERROR, title, evidence=evidence, where=where, step=0, explains=SYMPTOMS[2:]
    )


def target_leakage(signals: Signals, facts: Facts) -> Finding | None:
    """One of the input columns is the target itself.

    *Why it matters*: the network copies it, and fails where the answer is not known yet.
    *Known problems*: formulas that are made up for practice; single columns are not judged.
    *Cure*: drop the column, `table.drop(columns=["target"])`, and whatever is computed from it.

    Reads: target/correlation, code/line/*

    ok: target/correlation = 0.97
    bad: target/correlation = 1.0
    """
    correlation = signals["target/correlation"]
    if not correlation or not correlation.last > _SAME:
        return None
    title = "One of the input columns is the target itself."
    evidence = {"correlation": correlation.last, "correlation_limit": _SAME}
    where = line_of(signals, "forward")
    return Finding("target_leakage", Severity.ERROR, title, evidence=evidence, where=where, step=correlation.steps[0])
