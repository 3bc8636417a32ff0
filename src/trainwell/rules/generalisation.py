"""Rules on what the training and validation curves say together."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.locations import line_of
from trainwell.rules.persistence import persists
from trainwell.rules.symptoms import CHANCE, at_chance, current, often_right

# docs/references.md, T3.
_STEPS_AT_CHANCE = 200
_WARM_UP = 10  # A run that is judged while it is running may need its first tenth to leave the chance level.
_EVALUATIONS = 3
_LEARNED = 0.9  # Share of the chance loss; below it the training data are being learned.
# docs/references.md, T40.
_ABOVE_BEST = 1.1
_STANDARD_ERRORS = 2.0
_COSTLY = 0.1  # Share of the chance loss.
_FEWEST_EXAMPLES = 50
# docs/references.md, T41.
_FEWEST_EPOCHS = 10
_UNDERFIT = 0.5  # Share of the chance loss that is left on the training data.
_GAP = 1.1
_FLAT = 0.02
_FALLING = 0.05  # docs/references.md, T42: share of the chance loss over the last three tenths of the run.
_SAME_BATCHES = 5  # docs/references.md, T43.


def no_better_than_chance(signals: Signals, facts: Facts) -> Finding | None:
    """The network does not beat the chance level: predicting a constant is as good.

    *Why it matters*: nothing was learned from the inputs.
    *Known problems*: where the inputs do not determine the target at all, this is the right result.
    *Repair*: train on ten examples only. If the network cannot overfit them, the fault is in the code or the learning
    rate; if it can, check that inputs and targets belong together.

    Reads: loss/train, loss/train_epoch, loss/validation, score/validation/accuracy

    ok: loss/train = 2.3*5 1.0*20 @10; loss/validation = 2.2 1.2 1.1; chance_loss = 2.3
    ok: loss/train = 2.3*4 @10; chance_loss = 2.3
    ok: loss/train = 9*25 @10; loss/validation = 9; score/validation/accuracy = 0.9; chance_loss = 2.3;
        sizes = {"validation": 100}; class_counts = (50, 50)
    bad: loss/train = 2.31*25 @10; chance_loss = 2.3
    bad: loss/train = 2.31*25 @10; loss/validation = 2.31*4; chance_loss = 2.3
    """
    loss = signals["loss/train"]
    validation = signals["loss/validation"]
    if not at_chance(signals, facts) or facts.chance_loss is None:
        return None
    limit = CHANCE * facts.chance_loss
    is_confirmed = len(validation) >= _EVALUATIONS and min(validation.tail(_EVALUATIONS)) >= limit
    long = max(_STEPS_AT_CHANCE, facts.steps // _WARM_UP)
    if not is_confirmed and loss.steps[-1] - loss.steps[0] < long:
        return None
    now = current(signals)
    return Finding(
        rule="no_better_than_chance",
        severity=Severity.ERROR if is_confirmed else Severity.WARNING,
        title=f"The network does not beat the chance level: its loss is {now:.3g}, and predicting a constant gives "
        f"{facts.chance_loss:.3g}.",
        evidence={"loss": now, "loss_limit": limit, "chance_loss": facts.chance_loss},
        step=next((step for step, value in reversed(list(loss)) if value < _LEARNED * limit), loss.steps[0]),
        remedies=("raise_rate", "lower_rate", "he_initialisation", "less_regularisation", "standardise_inputs"),
    )


def same_batch(signals: Signals, facts: Facts) -> Finding | None:
    """Every step trains on the same few examples.

    *Why it matters*: the network overfits them, and the rest of the data is never used.
    *Known problems*: overfitting one batch as a test, and data sets with fewer training than validation examples that
    fit into one batch. Without a gap between the losses it is a hint; where the batch holds as many examples as are
    evaluated, nothing is reported.
    *Repair*: draw a new batch in each step: `for x, y in loader:`. `next(iter(loader))` starts again from the first.

    Reads: code/same_batch, loss/train_epoch, loss/validation, code/line/*

    ok: code/same_batch = 0 64 64 64 64 64 0; sizes = {"validation": 500}; loss/validation = 2.0; loss/train_epoch = 0.1
    ok: code/same_batch = 400*9; sizes = {"validation": 100}; loss/validation = 2.0; loss/train_epoch = 0.1;
        chance_loss = 2.3
    hint: code/same_batch = 64*9; sizes = {"validation": 500}; loss/validation = 0.2; loss/train_epoch = 0.1;
        chance_loss = 2.3
    bad: code/same_batch = 64*9; sizes = {"validation": 500}; loss/validation = 2.0; loss/train_epoch = 0.1;
        chance_loss = 2.3
    """
    same = persists(signals, "code/same_batch", readings=max(_SAME_BATCHES, len(signals["code/same_batch"])))
    train = signals["loss/train_epoch"]
    validation = signals["loss/validation"]
    held_out = facts.sizes.get("validation", 0)
    if same is None or held_out <= same or not train or not validation or not facts.chance_loss:
        return None
    gap = validation.last - train.last
    limit = _COSTLY * facts.chance_loss
    return Finding(
        rule="same_batch",
        severity=Severity.WARNING if gap > limit else Severity.INFO,
        title=f"Every step trains on the same {same:.0f} examples, and the validation loss is {gap:.3g} above the "
        f"training loss (limit {limit:.3g}).",
        evidence={
            "examples": same,
            "validation_examples": float(held_out),
            "validation_minus_training_loss": gap,
            "validation_minus_training_loss_limit": limit,
        },
        where=line_of(signals, "forward"),
        step=0,
        explains=("labels_unrelated", "validation_at_chance", "overfitting"),
    )


def validation_at_chance(signals: Signals, facts: Facts) -> Finding | None:
    """The network learns the training data, but never beats the chance level on the validation data.

    *Why it matters*: nothing that it learns generalises. Labels that do not belong to their inputs, and validation
    data that are preprocessed differently, look exactly like this.
    *Known problems*: very few training examples of very many classes.

    Reads: loss/train_epoch, loss/validation, score/validation/accuracy

    ok: loss/validation = 2.2 1.0 2.4 2.5; loss/train_epoch = 2.2 1.0 0.3 0.1; chance_loss = 2.3
    bad: loss/validation = 2.3 2.3 2.4 2.5 2.9; loss/train_epoch = 2.3 2.3 2.1 2.0 1.8; chance_loss = 2.3
    """
    train = signals["loss/train_epoch"]
    validation = signals["loss/validation"]
    if len(validation) < _EVALUATIONS or not train or not facts.chance_loss or facts.chance_loss <= 0:
        return None
    limit = CHANCE * facts.chance_loss
    best = min(validation.values)
    is_learning = train.last < _LEARNED * facts.chance_loss
    if not best >= limit or not is_learning or often_right(signals, facts, newest=len(validation)):
        return None
    return Finding(
        rule="validation_at_chance",
        severity=Severity.ERROR,
        title=f"Nothing generalises: the training loss is {train.last:.3g}, but the best validation loss, {best:.3g}, "
        f"does not beat the chance level {facts.chance_loss:.3g}.",
        evidence={"best_validation_loss": best, "best_validation_loss_limit": limit, "train_loss": train.last},
        step=validation.steps[0],
        explains=("overfitting",),
        remedies=("more_weight_decay", "smaller_network"),
    )


def overfitting(signals: Signals, facts: Facts) -> Finding | None:
    """Overfitting: the validation loss is 10 % above its best for three evaluations, while the training loss falls.

    *Why it matters*: from the best epoch on the network memorises the training examples.
    *Known problems*: the loss can rise while the score stays, when predictions only become overconfident; that is a
    hint. So is a drop of the score that is within the sampling error of few validation examples.

    Reads: loss/validation, loss/train_epoch, score/validation/accuracy

    ok: loss/validation = 2.0 1.0 0.8 0.7 0.75 0.72; loss/train_epoch = 2.0 1.0 0.8 0.7 0.6 0.5
    hint: loss/validation = 1.0 0.5 0.7 0.8 0.9; loss/train_epoch = 1.0 0.5 0.3 0.2 0.1
    bad: loss/validation = 1.0 0.5 0.7 0.8 0.9; loss/train_epoch = 1.0 0.5 0.3 0.2 0.1;
        score/validation/accuracy = 0.7 0.8 0.7 0.7 0.7; sizes = {"validation": 1000}
    hint: loss/validation = 1.0 0.5 0.7 0.8 0.9; loss/train_epoch = 1.0 0.5 0.3 0.2 0.1;
        score/validation/accuracy = 0.7 0.8 0.7 0.7 0.7; sizes = {"validation": 22}
    bad: loss/validation = 1.0 0.5 0.7 0.8 0.9; loss/train_epoch = 1.0 0.5 0.3 0.2 0.1;
        sizes = {"validation": 1000}; chance_loss = 1.0
    bad: loss/validation = 1.0 0.9 2.1 2.2 2.3; loss/train_epoch = 1.0 0.5 0.3 0.2 0.1;
        score/validation/accuracy = 0.5*5; sizes = {"validation": 100}; chance_loss = 1.3; class_counts = (50, 50)
    """
    train = signals["loss/train_epoch"]
    validation = signals["loss/validation"]
    if len(validation) <= _EVALUATIONS or len(train) <= _EVALUATIONS:
        return None
    best = min((value for value in validation.values if math.isfinite(value)), default=math.nan)
    place = validation.values.index(best) if best in validation.values else len(validation)
    newest = validation.tail(_EVALUATIONS)
    if place >= len(validation) - _EVALUATIONS or not min(newest) > _ABOVE_BEST * best:
        return None
    if not train.last < train.values[min(place, len(train) - 1)]:
        return None
    is_costly = _suffers(signals, facts)
    subject = "Overfitting" if is_costly else "Overconfident predictions"
    return Finding(
        rule="overfitting",
        severity=Severity.WARNING if is_costly else Severity.INFO,
        title=f"{subject}: the validation loss rose from {best:.3g} at its best to {validation.last:.3g} "
        f"(limit {_ABOVE_BEST:g}x), while the training loss fell to {train.last:.3g}.",
        evidence={"validation_loss": validation.last, "validation_loss_limit": _ABOVE_BEST * best, "best": best},
        step=validation.steps[place],
        remedies=("early_stopping", "more_dropout", "more_weight_decay", "smaller_network"),
    )


def underfitting(signals: Signals, facts: Facts) -> Finding | None:
    """Underfitting: the loss has reached a high plateau on training and validation data alike.

    *Why it matters*: the network is too small, or regularised too strongly, for what the inputs could tell.
    *Known problems*: noisy targets leave a high loss to the best network, so this is a hint only.

    Reads: loss/train_epoch, loss/validation

    ok: loss/train_epoch = 2.3 1.0 0.5 0.2*9; loss/validation = 2.3 1.0 0.5 0.2*9; chance_loss = 2.3
    hint: loss/train_epoch = 2.3 1.9 1.6*10; loss/validation = 2.3 1.9 1.6*10; chance_loss = 2.3
    """
    train = signals["loss/train_epoch"]
    validation = signals["loss/validation"]
    if len(train) < _FEWEST_EPOCHS or len(validation) < _FEWEST_EPOCHS or not facts.chance_loss:
        return None
    before = train.values[-(len(train) * 3 // 10)]
    now = train.last
    limit = _UNDERFIT * facts.chance_loss
    is_high = limit < now < CHANCE * facts.chance_loss
    if not is_high or before - now > _FLAT * before or validation.last > _GAP * now:
        return None
    return Finding(
        rule="underfitting",
        severity=Severity.INFO,
        title=f"Underfitting: the training loss has reached a plateau at {now:.3g}, which is "
        f"{now / facts.chance_loss:.0%} of the chance level (limit {_UNDERFIT:.0%}).",
        evidence={"train_loss": now, "train_loss_limit": limit},
        step=train.steps[-(len(train) * 3 // 10)],
        remedies=("larger_network", "less_regularisation", "raise_rate"),
    )


def stopped_too_soon(signals: Signals, facts: Facts) -> Finding | None:
    """The run stopped while the validation loss was still falling fast.

    *Why it matters*: the same recipe would do better with more epochs.
    *Known problems*: it reports only at the planned end of a run, and is a hint.

    Reads: loss/validation, symptoms

    ok: loss/validation = 2.0 1.0 0.6 0.5 0.48 0.47 0.47 0.46 0.46 0.46; epochs = 10; chance_loss = 2.3
    ok: loss/validation = 2.0 1.9 1.8 1.7 1.6 1.5 1.4 1.3 1.2 1.1; epochs = 20; chance_loss = 2.3
    hint: loss/validation = 2.0 1.9 1.8 1.7 1.6 1.5 1.4 1.3 1.2 1.1; epochs = 10; chance_loss = 2.3
    """
    validation = signals["loss/validation"]
    if not facts.epochs or not facts.chance_loss or len(validation) < max(_FEWEST_EPOCHS, facts.epochs):
        return None
    before = validation.values[-(len(validation) * 3 // 10) - 1]
    now = validation.last
    fall = before - now
    limit = _FALLING * facts.chance_loss
    if now > min(validation.values) or not fall > limit or at_chance(signals, facts):
        return None
    return Finding(
        rule="stopped_too_soon",
        severity=Severity.INFO,
        title=f"Stopped too soon: the validation loss was still falling, from {before:.3g} to {now:.3g} in the last "
        "30 % of the epochs.",
        evidence={"loss_fall": fall, "loss_fall_limit": limit},
        step=validation.steps[-1],
        remedies=("train_longer", "raise_rate"),
    )


def _suffers(signals: Signals, facts: Facts) -> bool:
    """Tell whether overfitting costs accuracy, or where there is none a tenth of the chance loss.

    A loss above the chance level is costly in any case, unless most predictions are right. Only what held for three
    evaluations counts. Two accuracies on n examples differ by chance with a standard error of sqrt(2 p (1 - p) / n).
    """
    accuracy = signals["score/validation/accuracy"]
    examples = facts.sizes.get("validation", 0)
    if not examples:
        return False
    chance = facts.chance_loss or math.inf
    if min(signals["loss/validation"].tail(_EVALUATIONS)) > chance and not often_right(signals, facts):
        return examples >= _FEWEST_EXAMPLES
    if accuracy:
        best = max(accuracy.values)
        now = max(accuracy.tail(_EVALUATIONS))
        share = (best + now) / 2
        return best - now > _STANDARD_ERRORS * math.sqrt(2 * max(share * (1 - share), 1 / examples) / examples)
    validation = signals["loss/validation"]
    excess = min(validation.tail(_EVALUATIONS)) - min(validation.values)
    return examples >= _FEWEST_EXAMPLES and excess > _COSTLY * (facts.chance_loss or math.inf)
