"""Rules on the outputs of the network."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.symptoms import collapsed_outputs


def constant_outputs(signals: Signals, facts: Facts) -> Finding | None:
    """Constant outputs: the network returns the same output for every input.

    *Why it matters*: nothing of the input reaches the output, so at best the mean target can be learned.
    *Known problems*: none known. Batches of one example are not judged.

    Reads: output/std, output/mean

    ok: output/std = 0*3 0.1 0.5 0.9 @10; output/mean = 0.1*6 @10
    bad: output/std = 0*6 @10; output/mean = 0.1*6 @10
    """
    found = collapsed_outputs(signals)
    if found is None:
        return None
    step, spread, limit = found
    return Finding(
        rule="constant_outputs",
        severity=Severity.ERROR,
        title="Constant outputs: the network returns the same output for every input "
        f"(standard deviation {spread:.1e}, limit {limit:.1e}).",
        evidence={"output_std": spread, "output_std_limit": limit},
        step=step,
        explains=("parameters_not_updated", "no_better_than_chance"),
        remedies=("he_initialisation", "lower_rate"),
    )
