"""Rules on what the network is given."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.code_signals import SYMPTOMS
from trainwell.rules.symptoms import judge

# Diagnosis D2. The largest single value is not used: a standardised pixel that is rarely set exceeds 20 by nature.
_SMALLEST_STD = 0.02
_LARGEST_STD = 20.0


def input_not_finite(signals: Signals, facts: Facts) -> Finding | None:
    """The inputs contain NaN or infinities.

    *Why it matters*: one such number makes the loss and then every weight NaN.
    *Known problems*: only sampled batches are seen; a single bad example may lie in another.

    Reads: input/nonfinite_fraction

    ok: input/nonfinite_fraction = 0 0 0
    bad: input/nonfinite_fraction = 0 0.001
    """
    for step, fraction in signals["input/nonfinite_fraction"]:
        if fraction > 0:
            return Finding(
                rule="input_not_finite",
                severity=Severity.ERROR,
                title="The inputs contain numbers that are not finite (NaN or infinity).",
                evidence={"nonfinite_fraction": fraction, "nonfinite_fraction_limit": 0.0},
                step=step,
                explains=("vanishing_gradients", "loss_not_finite", "no_better_than_chance"),
            )
    return None


def input_scale(signals: Signals, facts: Facts) -> Finding | None:
    """The numbers the network is given are far from unit size.

    *Why it matters*: initialisation and learning rates are made for inputs of about unit deviation; raw pixels of 0
    to 255 multiply the first gradients by a hundred.
    *Known problems*: harmless where the first layer normalises; then nothing suffers and it stays a hint.

    Reads: input/std, symptoms

    ok: input/std = 1.0 0.9 1.1
    hint: input/std = 79 80 79
    bad: input/std = 79 80 79; loss/train = 2.4*20 @10; chance_loss = 2.3
    """
    series = signals["input/std"]
    if len(series) < 3:
        return None
    spread = statistics.median(series.values)
    if not (spread < _SMALLEST_STD or spread > _LARGEST_STD):
        return None
    return Finding(
        rule="input_scale",
        severity=judge(signals, facts),
        title=f"The inputs have a standard deviation of {spread:.3g}; networks expect about 1.",
        evidence={"input_std": spread, "input_std_low_limit": _SMALLEST_STD, "input_std_high_limit": _LARGEST_STD},
        step=series.steps[0],
        explains=(
            "activation_scale",
            "initial_loss_far_from_chance",
            "learning_rate_too_high",
            "dead_units",
            "saturated_activations",
            "exploding_gradients",
            "loss_diverges",
            "loss_not_finite",
            "no_better_than_chance",
        ),
        remedies=("standardise_inputs",),
    )


def targets_not_finite(signals: Signals, facts: Facts) -> Finding | None:
    """The targets contain NaN or infinities.

    *Why it matters*: the loss becomes NaN with the first of them, and with it every weight.
    *Known problems*: none known; gaps that a mask takes out of the loss do no harm and are not seen.
    *Cure*: leave such examples out, `keep = torch.isfinite(y)`, or mask them in the loss.

    Reads: target/nonfinite_fraction

    ok: target/nonfinite_fraction = 0
    bad: target/nonfinite_fraction = 0.03
    """
    bad = signals["target/nonfinite_fraction"]
    if not bad or not bad.last > 0:
        return None
    title = "The targets contain numbers that are not finite (NaN or infinity)."
    evidence = {"nonfinite_fraction": bad.last, "nonfinite_fraction_limit": 0.0}
    return Finding(
        "targets_not_finite", Severity.ERROR, title, evidence=evidence, where=(), step=bad.steps[0], explains=SYMPTOMS
    )


def input_constant(signals: Signals, facts: Facts) -> Finding | None:
    """All examples the network is given are the same.

    *Why it matters*: there is nothing to learn from; a file was read wrongly, or a step of the preparation lost them.
    *Known problems*: none known; batches of one example are not judged.

    Reads: input/example_range

    ok: input/example_range = 0.9 0 1.1 1.0
    bad: input/example_range = 0*4
    """
    spread = signals["input/example_range"]
    if len(spread) < 3 or max(spread.values) > 0:
        return None
    return Finding(
        rule="input_constant",
        severity=Severity.ERROR,
        title="All examples the network is given are the same.",
        evidence={"range_between_examples": 0.0, "range_between_examples_limit": 0.0},
        step=spread.steps[0],
        explains=("labels_unrelated", "input_scale", *SYMPTOMS),
    )
