"""The result of training one network: its scores on validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ValidationResult:
    """The scores of one network on the validation part of a fold.

    Args:
        scores: by name, with "loss"; empty if training diverged.
        reason: why there are no scores; empty if there are.
    """

    scores: Mapping[str, float]
    reason: str = ""
