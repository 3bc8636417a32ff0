"""The network's main score beside those of simple methods, as values that text and figures share."""

from __future__ import annotations

import math
from typing import NamedTuple

from trainwell.report.text.words import lower_is_better, printable
from trainwell.runs import Snapshot


class ComparedMethod(NamedTuple):
    """One method: its name, its score, the 95 % interval of it where known, and whether it is the network."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    network: bool = False


class Baselines(NamedTuple):
    """The network beside simple methods on the same examples, best first.

    Args:
        score: name of the score.
        split: which examples.
        methods: the network and the simple methods.
        lower: True if a smaller value is better.
    """

    score: str
    split: str
    methods: tuple[ComparedMethod, ...]
    lower: bool

    @property
    def network(self) -> ComparedMethod | None:
        """The network itself."""
        return next((method for method in self.methods if method.network), None)

    @property
    def simple(self) -> tuple[ComparedMethod, ...]:
        """The simple methods, best first."""
        return tuple(method for method in self.methods if not method.network)

    @property
    def network_is_beaten(self) -> bool:
        """Tell whether a simple method does as well as the network, or better."""
        if not self.network or not self.simple:
            return False
        network = self.network.value
        simple = self.simple[0].value
        return network >= simple if self.lower else network <= simple


def wilson(share: float, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share seen in `count` examples (Wilson, JASA 1927).

    >>> low, high = wilson(0.978, 270)
    >>> round(low, 3), round(high, 3)
    (0.953, 0.99)
    """
    z = 1.959964
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def baselines(snapshot: Snapshot) -> Baselines | None:
    """Compare the network's main score with those of simple methods; None if there are none."""
    event = snapshot.event("baselines")
    score = snapshot.main_score
    split = printable(event.get("split", "test"))
    count = snapshot.sizes.get(split, 0)
    found = [(printable(row["name"]), row["scores"].get(score), False) for row in event.get("rows", ())]
    network = printable(snapshot.event("network").get("model", "network"))
    found.append((network, snapshot.run.scores.get(split, {}).get(score), True))
    methods = [
        ComparedMethod(name, float(value), _interval(score, float(value), count=count), is_network)
        for name, value, is_network in found
        if isinstance(value, int | float) and math.isfinite(value)
    ]
    lower = lower_is_better(score)
    methods.sort(key=lambda method: method.value if lower else -method.value)
    compared = Baselines(score, split, tuple(methods), lower)
    return compared if compared.simple else None


def _interval(score: str, value: float, *, count: int) -> tuple[float, float] | None:
    return wilson(value, count) if score == "accuracy" and count and 0 <= value <= 1 else None
