"""Rules on what the network answers."""

from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.rules.symptoms import collapsed_outputs


def constant_outputs(signals: Signals, facts: Facts) -> Finding | None:
    """The network answers the same to every input.

    *Why it matters*: nothing of the input reaches the output, so at best the mean answer can be learned.
    *Known problems*: none known; batches of one example are not judged.

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
        title="The network answers the same to every input.",
        evidence={"output_std": spread, "output_std_limit": limit},
        step=step,
        explains=("parameters_not_updated", "no_better_than_chance"),
        remedies=("he_initialisation", "lower_rate"),
    )
