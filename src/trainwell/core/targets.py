"""What is known of the targets: their type, and what was fitted on those of the training split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

CLASSES = "classes"
"""Type of targets: one class each, (N,) int64."""
LABEL_SETS = "label sets"
"""Type of targets: any number of labels each, (N, labels) uint8 of zeros and ones."""
NUMBERS = "numbers"
"""Type of targets: one or several numbers each, (N,) or (N, k) floating point."""
TOKENS = "next tokens"
"""Type of targets: the token that follows each position of a text, (N, length) integers."""

SPECIAL_TOKENS = ("<pad>", "<unk>", "<bos>", "<eos>")
"""The first tokens of every vocabulary, with ids 0, 1, 2 and 3: padding, unknown, begin, end."""


@dataclass(frozen=True)
class TargetFacts:
    """What a task needs to know of the targets; plain numbers and names, stored with a trained network.

    Args:
        count: how many classes, labels or numbers there are.
        labels: names of the classes or labels, in the order of their numbers; empty where nobody named them.
        mean: mean of each number on the training split; empty for classes and labels.
        deviation: standard deviation of each number on the training split; empty for classes and labels.
    """

    count: int
    labels: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TargetFacts:
        """Return the facts that `to_json` wrote.

        Raises:
            KeyError: if something is missing.

        >>> TargetFacts.from_json(TargetFacts(2, ("no", "yes")).to_json())
        TargetFacts(count=2, labels=('no', 'yes'), mean=(), deviation=())
        """
        return cls(int(data["count"]), tuple(data["labels"]), tuple(data["mean"]), tuple(data["deviation"]))
