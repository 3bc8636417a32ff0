"""Rules on what the curves of training and validation say together."""

from __future__ import annotations

import math

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import line_of, persists
from trainwell.rules.symptoms import CHANCE, at_chance, current, often_right

# Diagnosis T12 and T13.
_STEPS_AT_CHANCE = 200
_WARM_UP = 10  # A run that is watched while it goes on may need its first tenth to leave chance.
_EVALUATIONS = 3
_ABOVE_BEST = 1.1
_LEARNED = 0.9  # Share of the chance loss: below it the training data are being learned.
_STANDARD_ERRORS = 2.0
_SAME_BATCHES = 5
_COSTLY = 0.1  # Share of the chance loss.
_FEWEST_EXAMPLES = 50
_UNDERFIT = 0.5  # Share of the chance loss that is left on the training data.
_GAP = 1.1
_FLAT = 0.02
_FALLING = 0.05  # Share of the chance loss over the last three tenths of the run.


def no_better_than_chance(signals: Signals, facts: Facts) -> Finding | None:
    """The network is no better than the best constant answer.

    *Why it matters*: nothing was learned from the inputs.
    *Known problems*: where inputs do not determine the target at all, this is the right answer.
    *Cure*: train on ten examples only. If they are not learned by heart, the fault is in the code or the rate; if they
    are, look whether inputs and targets belong together.

    Reads: loss/train, loss/train_epoch, loss/validation, score/validation/accuracy

    ok: loss/train = 2.3*5 1.0*20 @10; loss/validation = 2.2 1.2 1.1; chance_loss = 2.3
    ok: loss/train = 2.3*4 @10; chance_loss = 2.3
    ok: loss/train = 9*25 @10; loss/validation = 9; score/validation/accuracy = 0.9; chance_loss = 2.3;
        sizes = {"validation": 100}; class_counts = (50, 50)
    bad: loss/train = 2.31*25 @10; chance_loss = 2.3
    bad: loss/train = 2.31*25 @10; loss/validation = 2.31*4; chance_loss = 2.3
    """
    loss, validation = signals["loss/train"], signals["loss/validation"]
    if not at_chance(signals, facts) or facts.chance_loss is None:
        return None
    limit = CHANCE * facts.chance_loss
    evaluated = len(validation) >= _EVALUATIONS and min(validation.tail(_EVALUATIONS)) >= limit
    since = next((step for step, value in reversed(list(loss)) if value < _LEARNED * limit), loss.steps[0])
    long = max(_STEPS_AT_CHANCE, facts.steps // _WARM_UP)
    if not evaluated and loss.steps[-1] - loss.steps[0] < long:
        return None
    return Finding(
        rule="no_better_than_chance",
        severity=Severity.ERROR if evaluated else Severity.WARNING,
        title="The network is no better than always giving the same answer.",
        evidence={"loss": current(signals), "loss_limit": limit, "chance_loss": facts.chance_loss},
        step=since,
        remedies=("raise_rate", "lower_rate", "he_initialisation", "less_regularisation", "standardise_inputs"),
    )


def same_batch(signals: Signals, facts: Facts) -> Finding | None:
    """Every step trains on the same few examples, and on others the network does clearly worse.

    *Why it matters*: it learns them by heart and nothing else; the rest of the data is never used.
    *Known problems*: learning one batch by heart as a test, and data of which fewer are trained on than evaluated
    in one batch. Where nothing suffers it is a hint; where as many are trained on as evaluated it says nothing.
    *Cure*: draw a batch anew in each step: `for x, y in loader:`. `next(iter(loader))` begins from the first again.

    Reads: code/same_batch, loss/train_epoch, loss/validation, code/line/*

    ok: code/same_batch = 0 64 64 64 64 64 0; sizes = {"validation": 500}; loss/validation = 2.0; loss/train_epoch = 0.1
    ok: code/same_batch = 400*9; sizes = {"validation": 100}; loss/validation = 2.0; loss/train_epoch = 0.1;
        chance_loss = 2.3
    hint: code/same_batch = 64*9; sizes = {"validation": 500}; loss/validation = 0.2; loss/train_epoch = 0.1;
        chance_loss = 2.3
    bad: code/same_batch = 64*9; sizes = {"validation": 500}; loss/validation = 2.0; loss/train_epoch = 0.1;
        chance_loss = 2.3
    """
    same = persists(signals, "code/same_batch", max(_SAME_BATCHES, len(signals["code/same_batch"])))
    train, validation, held_out = (
        signals["loss/train_epoch"],
        signals["loss/validation"],
        facts.sizes.get("validation", 0),
    )
    if same is None or held_out <= same or not train or not validation or not facts.chance_loss:
        return None
    gap, limit = validation.last - train.last, _COSTLY * facts.chance_loss
    return Finding(
        rule="same_batch",
        severity=Severity.WARNING if gap > limit else Severity.INFO,
        title=f"Every step trains on the same {same:.0f} examples.",
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
    """The network learns the training data, but never does better than chance on the validation data.

    *Why it matters*: what it learns does not carry over. Labels that do not belong to their inputs, or validation
    data that are prepared otherwise, look exactly like this.
    *Known problems*: very few training examples of very many classes.

    Reads: loss/train_epoch, loss/validation, score/validation/accuracy

    ok: loss/validation = 2.2 1.0 2.4 2.5; loss/train_epoch = 2.2 1.0 0.3 0.1; chance_loss = 2.3
    bad: loss/validation = 2.3 2.3 2.4 2.5 2.9; loss/train_epoch = 2.3 2.3 2.1 2.0 1.8; chance_loss = 2.3
    """
    train, validation = signals["loss/train_epoch"], signals["loss/validation"]
    if len(validation) < _EVALUATIONS or not train or not facts.chance_loss or facts.chance_loss <= 0:
        return None
    limit = CHANCE * facts.chance_loss
    best = min(validation.values)
    if (
        not best >= limit
        or not train.last < _LEARNED * facts.chance_loss
        or often_right(signals, facts, newest=len(validation))
    ):
        return None
    return Finding(
        rule="validation_at_chance",
        severity=Severity.ERROR,
        title="The network learns its training data, but on validation data it is no better than guessing.",
        evidence={"best_validation_loss": best, "best_validation_loss_limit": limit, "train_loss": train.last},
        step=validation.steps[0],
        explains=("overfitting",),
        remedies=("more_weight_decay", "smaller_network"),
    )


def overfitting(signals: Signals, facts: Facts) -> Finding | None:
    """The validation loss has been a tenth above its best for three evaluations, while the training loss falls.

    *Why it matters*: from its best epoch on the network learns the training examples by heart.
    *Known problems*: a loss can rise while the score stays, when answers only grow too sure; that is a hint. So is a
    fall of the score that few validation examples may show by chance.

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
    validation, train = signals["loss/validation"], signals["loss/train_epoch"]
    if len(validation) <= _EVALUATIONS or len(train) <= _EVALUATIONS:
        return None
    best = min((value for value in validation.values if math.isfinite(value)), default=math.nan)
    place = validation.values.index(best) if best in validation.values else len(validation)
    newest = validation.tail(_EVALUATIONS)
    since_best = train.values[min(place, len(train) - 1)]
    if place >= len(validation) - _EVALUATIONS or not min(newest) > _ABOVE_BEST * best or not train.last < since_best:
        return None
    costly = _suffers(signals, facts)
    return Finding(
        rule="overfitting",
        severity=Severity.WARNING if costly else Severity.INFO,
        title=("The network overfits: its" if costly else "The network grows too sure of itself: its")
        + f" validation loss was best at {best:.3g} and is now {validation.last:.3g}.",
        evidence={"validation_loss": validation.last, "validation_loss_limit": _ABOVE_BEST * best, "best": best},
        step=validation.steps[place],
        remedies=("early_stopping", "more_dropout", "more_weight_decay", "smaller_network"),
    )


def underfitting(signals: Signals, facts: Facts) -> Finding | None:
    """The loss has come to rest high, on training and validation data alike.

    *Why it matters*: the network is too small, or too strongly regularised, for what the inputs could tell.
    *Known problems*: noisy targets leave a high loss to the best network, so this is a hint only.

    Reads: loss/train_epoch, loss/validation

    ok: loss/train_epoch = 2.3 1.0 0.5 0.2*9; loss/validation = 2.3 1.0 0.5 0.2*9; chance_loss = 2.3
    hint: loss/train_epoch = 2.3 1.9 1.6*10; loss/validation = 2.3 1.9 1.6*10; chance_loss = 2.3
    """
    train, validation = signals["loss/train_epoch"], signals["loss/validation"]
    if len(train) < 10 or len(validation) < 10 or not facts.chance_loss:
        return None
    before, now = train.values[-(len(train) * 3 // 10)], train.last
    is_high = _UNDERFIT * facts.chance_loss < now < CHANCE * facts.chance_loss
    if not is_high or before - now > _FLAT * before or validation.last > _GAP * now:
        return None
    return Finding(
        rule="underfitting",
        severity=Severity.INFO,
        title="The network fits even the training data badly, and has stopped getting better.",
        evidence={"train_loss": now, "train_loss_limit": _UNDERFIT * facts.chance_loss},
        step=train.steps[-(len(train) * 3 // 10)],
        remedies=("larger_network", "less_regularisation", "raise_rate"),
    )


def stopped_too_soon(signals: Signals, facts: Facts) -> Finding | None:
    """The run ended while the validation loss was still falling fast.

    *Why it matters*: the same recipe would do better with more epochs.
    *Known problems*: speaks only at the planned end of a run, and is a hint.

    Reads: loss/validation, symptoms

    ok: loss/validation = 2.0 1.0 0.6 0.5 0.48 0.47 0.47 0.46 0.46 0.46; epochs = 10; chance_loss = 2.3
    ok: loss/validation = 2.0 1.9 1.8 1.7 1.6 1.5 1.4 1.3 1.2 1.1; epochs = 20; chance_loss = 2.3
    hint: loss/validation = 2.0 1.9 1.8 1.7 1.6 1.5 1.4 1.3 1.2 1.1; epochs = 10; chance_loss = 2.3
    """
    validation = signals["loss/validation"]
    if len(validation) < 10 or len(validation) < facts.epochs or not facts.epochs or not facts.chance_loss:
        return None
    before, now = validation.values[-(len(validation) * 3 // 10) - 1], validation.last
    fall, limit = before - now, _FALLING * facts.chance_loss
    if now > min(validation.values) or not fall > limit or at_chance(signals, facts):
        return None
    return Finding(
        rule="stopped_too_soon",
        severity=Severity.INFO,
        title="The run ended while the validation loss was still falling.",
        evidence={"loss_fall": fall, "loss_fall_limit": limit},
        step=validation.steps[-1],
        remedies=("train_longer", "raise_rate"),
    )


def _suffers(signals: Signals, facts: Facts) -> bool:
    """Tell whether overfitting costs something: accuracy, or where there is none a tenth of the chance loss.

    A loss worse than that of guessing costs in any case, unless most answers are right. Only what held for three
    evaluations counts. Two accuracies on n examples differ by chance with a standard error of sqrt(2 p (1 - p) / n).
    """
    accuracy, examples = signals["score/validation/accuracy"], facts.sizes.get("validation", 0)
    if not examples:
        return False
    chance = facts.chance_loss or math.inf
    if min(signals["loss/validation"].tail(_EVALUATIONS)) > chance and not often_right(signals, facts):
        return examples >= _FEWEST_EXAMPLES
    if accuracy:
        best, now = max(accuracy.values), max(accuracy.tail(_EVALUATIONS))
        share = (best + now) / 2
        return best - now > _STANDARD_ERRORS * math.sqrt(2 * max(share * (1 - share), 1 / examples) / examples)
    validation = signals["loss/validation"]
    excess = min(validation.tail(_EVALUATIONS)) - min(validation.values)
    return examples >= _FEWEST_EXAMPLES and excess > _COSTLY * (facts.chance_loss or math.inf)
