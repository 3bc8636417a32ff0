"""Rules on the inputs of the network, and on numbers in the data that are not finite."""

from __future__ import annotations

import statistics

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.consequences import CONSEQUENCES
from trainwell.rules.symptoms import judge

# docs/references.md, T8. The largest value is not used: a standardised pixel that is rarely set exceeds 20 by nature.
_SMALLEST_STD = 0.02
_LARGEST_STD = 20.0
_FEWEST_READINGS = 3


def input_not_finite(signals: Signals, facts: Facts) -> Finding | None:
    """The inputs contain NaN or Inf.

    *Why it matters*: a single NaN makes the loss NaN, and after the next step every weight.
    *Known problems*: only sampled batches are read, so a single bad example can be missed.

    Reads: input/nonfinite_fraction

    ok: input/nonfinite_fraction = 0 0 0
    bad: input/nonfinite_fraction = 0 0.001
    """
    for step, fraction in signals["input/nonfinite_fraction"]:
        if fraction > 0:
            return Finding(
                rule="input_not_finite",
                severity=Severity.ERROR,
                title=f"Non-finite inputs: {fraction:.2g} of the input values are NaN or Inf (limit 0).",
                evidence={"nonfinite_fraction": fraction, "nonfinite_fraction_limit": 0.0},
                step=step,
                explains=("vanishing_gradients", "loss_not_finite", "no_better_than_chance"),
            )
    return None


def input_scale(signals: Signals, facts: Facts) -> Finding | None:
    """The inputs are not normalised: their standard deviation is far from 1.

    *Why it matters*: initialisations and usual learning rates assume inputs of about unit standard deviation; raw
    pixels of 0 to 255 multiply the first gradients by a hundred.
    *Known problems*: harmless where the first layer normalises its inputs. Such a run trains well, so the finding
    stays a hint. Inputs that are all equal have no scale; they are left to `input_constant`.

    Reads: input/std, symptoms

    ok: input/std = 1.0 0.9 1.1
    ok: input/std = 0*9; loss/train = 2.4*20 @10; chance_loss = 2.3
    hint: input/std = 79 80 79
    bad: input/std = 79 80 79; loss/train = 2.4*20 @10; chance_loss = 2.3
    """
    series = signals["input/std"]
    if len(series) < _FEWEST_READINGS:
        return None
    spread = statistics.median(series.values)
    if not (0 < spread < _SMALLEST_STD or spread > _LARGEST_STD):
        return None
    return Finding(
        rule="input_scale",
        severity=judge(signals, facts),
        title=f"The inputs are not normalised: their standard deviation is {spread:.3g} (expected about 1).",
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
    """The targets contain NaN or Inf.

    *Why it matters*: the loss becomes NaN at the first of them, and after the next step every weight.
    *Known problems*: none known. Targets that a mask removes from the loss do no harm and are not counted.
    *Repair*: drop such examples, `keep = torch.isfinite(y)`, or mask them in the loss.

    Reads: target/nonfinite_fraction

    ok: target/nonfinite_fraction = 0
    bad: target/nonfinite_fraction = 0.03
    """
    fraction = signals["target/nonfinite_fraction"]
    if not fraction or not fraction.last > 0:
        return None
    return Finding(
        rule="targets_not_finite",
        severity=Severity.ERROR,
        title=f"Non-finite targets: {fraction.last:.2g} of the target values are NaN or Inf (limit 0).",
        evidence={"nonfinite_fraction": fraction.last, "nonfinite_fraction_limit": 0.0},
        step=fraction.steps[0],
        explains=CONSEQUENCES,
    )


def input_constant(signals: Signals, facts: Facts) -> Finding | None:
    """All input examples are identical.

    *Why it matters*: there is nothing to learn from. Usually a file was read wrongly or preprocessing erased the data.
    *Known problems*: none known. Batches of one example are not judged.

    Reads: input/example_range

    ok: input/example_range = 0.9 0 1.1 1.0
    bad: input/example_range = 0*4
    """
    spread = signals["input/example_range"]
    if len(spread) < _FEWEST_READINGS or max(spread.values) > 0:
        return None
    return Finding(
        rule="input_constant",
        severity=Severity.ERROR,
        title="Constant inputs: all examples of every sampled batch are identical.",
        evidence={"range_between_examples": 0.0, "range_between_examples_limit": 0.0},
        step=spread.steps[0],
        explains=("labels_unrelated", "input_scale", *CONSEQUENCES),
    )
