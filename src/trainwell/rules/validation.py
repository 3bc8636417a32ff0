"""Rules that compare the validation examples with the training examples."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.locations import line_of

# docs/references.md, T9.
_FAR = 0.4
_WIDER = 1.5
_GROSS = 3.0  # Only different preprocessing makes a split three times as wide, or moves it a whole standard deviation.
_GROSS_FAR = 1.0
_MOVED = 0.05  # Share of the columns: a few move by nature.
_WORSE = 1.3  # Validation loss over training loss; the second key for shifts that may be natural.
_ALIKE = 0.4  # Interquartile range over median of the columns' log ratios: nature does not scale all columns alike.
_OTHER_MIX = 0.2  # Total variation between the shares of the classes.
_SEEN = 0.01  # docs/references.md, T10.
_MISSING = 0.01  # docs/references.md, T11.


def validation_distribution_shift(signals: Signals, facts: Facts) -> Finding | None:
    """Distribution shift: validation inputs have another mean or standard deviation than training inputs.

    *Why it matters*: the network is evaluated on inputs unlike those it has learned from. Usually one of the two was
    not standardised, or was augmented although it should not be, or the split is not random.
    *Known problems*: later times and other places differ by nature. A moderate shift is a hint unless the validation
    loss suffers; it is also a hint where the shares of the classes differ. Where all columns are scaled by the same
    factor the cause is preprocessing, and a validation loss above that of training is enough.
    *Repair*: send both through the same preprocessing, with the statistics of the training data: `(x - mean) / std`;
    shuffle before splitting.

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
    moved = signals["validation/moved_columns_fraction"]
    std_ratio = signals["validation/std_ratio"]
    if not moved or not std_ratio or std_ratio.last <= 0:
        return None
    distance = signals["validation/mean_distance"].last
    ratio = max(std_ratio.last, 1 / std_ratio.last)
    if moved.last <= _MOVED and ratio <= _WIDER and distance <= _FAR:
        return None
    is_gross = ratio > _GROSS or distance > _GROSS_FAR
    if is_gross:
        severity = Severity.ERROR
    else:
        severity = Severity.WARNING if _validation_suffers(signals, ratio=ratio) else Severity.INFO
    return Finding(
        rule="validation_distribution_shift",
        severity=severity,
        title=_shift(ratio=ratio, distance=distance, moved=moved.last),
        evidence={
            "train_std_over_validation_std": std_ratio.last,
            "train_std_over_validation_std_limit": _WIDER,
            "mean_distance_in_deviations": distance,
            "mean_distance_in_deviations_limit": _FAR,
            "moved_columns_fraction": moved.last,
            "moved_columns_fraction_limit": _MOVED,
        },
        where=line_of(signals, "evaluation", "forward"),
        step=std_ratio.steps[0],
        explains=("validation_at_chance", "overfitting", "underfitting"),
    )


def train_validation_overlap(signals: Signals, facts: Facts) -> Finding | None:
    """Data leakage: training examples are in the validation split.

    *Why it matters*: the score then tells how well examples are memorised, not how well the network generalises.
    *Known problems*: examples that repeat by nature are not judged, nor is an evaluation of the whole training split.
    Near-duplicates are not found here, but by `trainwell check`.
    *Repair*: remove duplicates first, then split once, `train_test_split(x, y)`, and never join the parts again.

    Reads: validation/seen_in_training_fraction, code/line/*

    ok: validation/seen_in_training_fraction = 0 0.002
    bad: validation/seen_in_training_fraction = 0.3
    """
    seen = signals["validation/seen_in_training_fraction"]
    if not seen or seen.last <= _SEEN:
        return None
    return Finding(
        rule="train_validation_overlap",
        severity=Severity.ERROR,
        title=f"Data leakage: about {seen.last:.0%} of the validation examples are training examples "
        f"(limit {_SEEN:.0%}).",
        evidence={"seen_fraction": seen.last, "seen_fraction_limit": _SEEN},
        where=line_of(signals, "evaluation", "forward"),
        step=next((step for step, value in seen if value > _SEEN), seen.steps[-1]),
    )


def classes_missing_in_training(signals: Signals, facts: Facts) -> Finding | None:
    """Classes of the validation split are missing in the training split.

    *Why it matters*: they cannot be predicted. The data were split before they were shuffled, or the two splits number
    their classes differently.
    *Known problems*: classes so rare that the sampled steps may have missed them are not counted.
    *Repair*: shuffle before splitting, and keep the shares of classes: `train_test_split(x, y, stratify=y)`.

    Reads: validation/missing_class_fraction, code/line/*

    ok: validation/missing_class_fraction = 0
    bad: validation/missing_class_fraction = 0.3
    """
    missing = signals["validation/missing_class_fraction"]
    if not missing or missing.last <= _MISSING:
        return None
    return Finding(
        rule="classes_missing_in_training",
        severity=Severity.ERROR,
        title=f"Classes are missing in the training split: {missing.last:.0%} of the validation examples are of "
        f"classes that training never shows (limit {_MISSING:.0%}).",
        evidence={"missing_class_fraction": missing.last, "missing_class_fraction_limit": _MISSING},
        where=line_of(signals, "evaluation", "forward"),
        step=missing.steps[0],
        explains=("validation_distribution_shift", "validation_at_chance", "overfitting"),
    )


def _validation_suffers(signals: Signals, *, ratio: float) -> bool:
    """Tell whether the validation loss is above the training loss, and a different mix of classes is not the reason."""
    train = signals["loss/train_epoch"]
    validation = signals["loss/validation"]
    class_distance = signals["validation/class_distance"]
    scatter = signals["validation/std_ratio_scatter"]
    if not train or not validation or (class_distance and class_distance.last > _OTHER_MIX):
        return False
    all_columns_alike = bool(scatter) and scatter.last < _ALIKE and ratio > _WIDER
    return validation.last > (1.0 if all_columns_alike else _WORSE) * train.last


def _shift(*, ratio: float, distance: float, moved: float) -> str:
    """Write the title: by how much the validation inputs differ, the largest excess over its limit first."""
    said = {
        f"their standard deviation differs by a factor of {ratio:.3g} (limit {_WIDER:g})": ratio / _WIDER,
        f"their mean differs by {distance:.2g} standard deviations (limit {_FAR:g})": distance / _FAR,
        f"{moved:.0%} of the columns have moved (limit {_MOVED:.0%})": moved / _MOVED,
    }
    return f"Distribution shift between training and validation inputs: {max(said, key=lambda text: said[text])}."
