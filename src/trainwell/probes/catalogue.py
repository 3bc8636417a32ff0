"""The probes by name, and the set that `fit` uses."""

from __future__ import annotations

from collections.abc import Callable

from trainwell.core.catalogue import Catalogue
from trainwell.core.protocols import Probe, Recorder
from trainwell.probes.activations import Activations
from trainwell.probes.controller import Watch
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
DEAR: Catalogue[Callable[[], Probe]] = Catalogue(
    "probe", {"updates": Updates, "activations": Activations, "inputs": Inputs, "memory": Memory}
)


def standard_watch(recorder: Recorder, *, budget: float = 0.02) -> Watch:
    """Build the watch with every probe there is.

    Args:
        recorder: where the numbers go.
        budget: probing time as a fraction of training time; 0 switches watching off.
    """
    return Watch(
        [build() for build in CHEAP.values()], recorder, dear=[build() for build in DEAR.values()], budget=budget
    )
