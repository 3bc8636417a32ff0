"""The probes by name, and the set that `fit` uses."""

from __future__ import annotations

from collections.abc import Callable

from trainwell.core.catalogue import Catalogue
from trainwell.core.contracts.protocols import Probe, Recorder
from trainwell.core.overhead_budget import OVERHEAD_BUDGET
from trainwell.probes.activations import Activations
from trainwell.probes.controller import SampledProbes
from trainwell.probes.gradients import Gradients
from trainwell.probes.inputs import Inputs
from trainwell.probes.memory import Memory
from trainwell.probes.outputs import Outputs
from trainwell.probes.time import Time
from trainwell.probes.updates import Updates
from trainwell.probes.weights import Weights

CHEAP: Catalogue[Callable[[], Probe]] = Catalogue(
    "probe", {"outputs": Outputs, "gradients": Gradients, "weights": Weights, "time": Time}
)
"""Probes that are read at every sample."""

EXPENSIVE: Catalogue[Callable[[], Probe]] = Catalogue(
    "probe", {"updates": Updates, "activations": Activations, "inputs": Inputs, "memory": Memory}
)
"""Probes that are read at the first samples and then at every fourth."""


def standard_probes(recorder: Recorder, *, budget: float = OVERHEAD_BUDGET) -> SampledProbes:
    """Return all probes there are, to be read within a budget.

    Args:
        recorder: where the measurements go.
        budget: probing time as a fraction of training time; 0 switches probing off.
    """
    return SampledProbes(
        [build() for build in CHEAP.values()],
        recorder,
        expensive=[build() for build in EXPENSIVE.values()],
        budget=budget,
    )
