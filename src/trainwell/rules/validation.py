"""Rules on the examples a network is judged by, put beside those it is trained on."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import line_of

# Diagnosis D3: means 0.4 deviations apart, deviations beyond two thirds and three halves of one another.
_FAR = 0.4
_WIDER = 1.5
_GROSS = 3.0  # Nothing but another preparation makes a split three times as wide, or moves it a whole deviation.
_GROSS_FAR = 1.0
_MOVED = 0.05  # Share of the columns: a few move by nature.
_WORSE = 1.3  # Validation loss over training loss; the second key for shifts that may be natural.
_ALIKE = 0.4  # Interquartile range over median of the columns' ratios (logarithms): nature changes no column like all.
_OTHER_MIX = 0.2  # Total variation between the shares of the classes.
_SEEN = 0.01  # Diagnosis D4.
_MISSING = 0.01  # Diagnosis D5.


def validation_distribution_shift(signals: Signals, facts: Facts) -> Finding | None:
    """The numbers of the validation examples lie elsewhere, or spread otherwise, than those of training.

    *Why it matters*: the network is asked about inputs unlike those it has learned from. Usually one of the two was
    not standardised, or augmented where it should not be, or the split is not random.
    *Known problems*: later times and other places differ by nature: a moderate shift is a hint unless the
    validation loss suffers; so it is where the classes have other shares. Where all columns are wider or narrower by
    the same factor, nature has not done it, and a validation loss above that of training is enough.
    *Cure*: send both through the same preparation, with the numbers of the training data: `(x - mean) / std`; shuffle
    before splitting.

    Reads: validation/moved_columns_fraction, validation/std_ratio, validation/mean_distance,
        validation/class_distance, validation/std_ratio_scatter, loss/validation, loss/train_epoch, code/line/*

    ok: validation/moved_columns_fraction = 0 0; validation/std_ratio = 1.02 0.98; validation/mean_distance = 0.01 0.02
    hint: validation/moved_columns_fraction = 0.2; validation/std_ratio = 1; validation/mean_distance = 0.1
    bad: validation/moved_columns_fraction = 0.2; validation/std_ratio = 1; validation/mean_distance = 0.1;
        loss/train_epoch = 1.0 0.5; loss/validation = 1.2 0.9
    hint: validation/moved_columns_fraction = 0.2; validation/std_ratio = 1; validation/mean_distance = 0.1;
        loss/train_epoch = 1.0 0.5; loss/validation = 1.2 0.9; validation/class_distance = 0.4
    bad: validation/moved_columns_fraction = 0.2; validation/std_ratio = 0.004; validation/mean_distance = 0.3
    bad: validation/moved_columns_fraction = 0.6; validation/std_ratio = 2.7; validation/mean_distance = 0.3;
        validation/std_ratio_scatter = 0.1; loss/train_epoch = 1.0 0.5; loss/validation = 1.2 0.55
    hint: validation/moved_columns_fraction = 0.6; validation/std_ratio = 2.7; validation/mean_distance = 0.3;
        validation/std_ratio_scatter = 0.6; loss/train_epoch = 1.0 0.5; loss/validation = 1.2 0.55
    """
    moved, wider = signals["validation/moved_columns_fraction"], signals["validation/std_ratio"]
    if not moved or not wider or wider.last <= 0:
        return None
    distance = signals["validation/mean_distance"].last
    ratio = max(wider.last, 1 / wider.last)
    if moved.last <= _MOVED and ratio <= _WIDER and distance <= _FAR:
        return None
    train, validation = signals["loss/train_epoch"], signals["loss/validation"]
    other_mix = signals["validation/class_distance"]  # where classes are mixed otherwise, their numbers are too
    scatter = signals["validation/std_ratio_scatter"]
    worse = 1.0 if scatter and scatter.last < _ALIKE and ratio > _WIDER else _WORSE
    suffers = bool(train and validation) and validation.last > worse * train.last
    suffers &= not (other_mix and other_mix.last > _OTHER_MIX)
    gross = ratio > _GROSS or distance > _GROSS_FAR
    return Finding(
        rule="validation_distribution_shift",
        severity=Severity.ERROR if gross else Severity.WARNING if suffers else Severity.INFO,
        title="The validation examples are not like the training examples: another preparation, or another source.",
        evidence={
            "train_std_over_validation_std": wider.last,
            "train_std_over_validation_std_limit": _WIDER,
            "mean_distance_in_deviations": distance,
            "mean_distance_in_deviations_limit": _FAR,
            "moved_columns_fraction": moved.last,
            "moved_columns_fraction_limit": _MOVED,
        },
        where=line_of(signals, "evaluation", "forward"),
        step=wider.steps[0],
        explains=("validation_at_chance", "overfitting", "underfitting"),
    )


def train_validation_overlap(signals: Signals, facts: Facts) -> Finding | None:
    """Some of the validation examples are trained on.

    *Why it matters*: the score then tells how well examples are remembered, not how well the network will do.
    *Known problems*: examples that repeat by nature are not judged, nor is an evaluation of the training data as a
    whole; copies that are altered a little are not found here, but by `trainwell check`.
    *Cure*: remove duplicates first, then split once, `train_test_split(x, y)`, and never put parts together again.

    Reads: validation/seen_in_training_fraction, code/line/*

    ok: validation/seen_in_training_fraction = 0 0.002
    bad: validation/seen_in_training_fraction = 0.3
    """
    seen = signals["validation/seen_in_training_fraction"]
    if not seen or seen.last <= _SEEN:
        return None
    title = f"About {seen.last:.0%} of the validation examples are trained on."
    evidence = {"seen_fraction": seen.last, "seen_fraction_limit": _SEEN}
    where = line_of(signals, "evaluation", "forward")
    step = next(step for step, value in seen if value > _SEEN)
    return Finding("train_validation_overlap", Severity.ERROR, title, evidence=evidence, where=where, step=step)


def classes_missing_in_training(signals: Signals, facts: Facts) -> Finding | None:
    """Validation examples belong to classes that never occur in training.

    *Why it matters*: they cannot be answered. The data were split before they were shuffled, or the two splits number
    their classes otherwise.
    *Known problems*: classes so rare that the sampled steps may have missed them are not counted.
    *Cure*: shuffle before splitting, and keep the shares of classes: `train_test_split(x, y, stratify=y)`.

    Reads: validation/missing_class_fraction, code/line/*

    ok: validation/missing_class_fraction = 0
    bad: validation/missing_class_fraction = 0.3
    """
    missing = signals["validation/missing_class_fraction"]
    if not missing or missing.last <= _MISSING:
        return None
    title = f"{missing.last:.0%} of the validation examples are of classes that training never shows."
    evidence = {"missing_class_fraction": missing.last, "missing_class_fraction_limit": _MISSING}
    where = line_of(signals, "evaluation", "forward")
    explains = ("validation_distribution_shift", "validation_at_chance", "overfitting")
    return Finding(
        "classes_missing_in_training",
        Severity.ERROR,
        title,
        evidence=evidence,
        where=where,
        step=missing.steps[0],
        explains=explains,
    )
