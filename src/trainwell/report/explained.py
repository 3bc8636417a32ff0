"""Figures of what a network makes of its inputs: accuracy by depth, calibration, strength of an attack, features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwell.lab.figure import Figure, Level, Panel, curve

if TYPE_CHECKING:
    from trainwell.assemble.advice import Depths

_NAMED = 12  # more depths than this are numbered below the axis


def depths_figure(found: Depths) -> Figure:
    """Show the accuracy of a linear classifier by depth."""
    names = tuple(found.accuracies)
    short = names if len(names) <= _NAMED else tuple(str(n) if n % 2 == 0 else "" for n in range(len(names)))
    best = max(names, key=lambda name: found.accuracies[name])
    values = list(found.accuracies.values())
    panel = Panel(
        f"Best at {best}: {found.accuracies[best]:.1%} of {found.split}",
        "depth",
        "accuracy",
        (curve("", values, kind="bars"),),
        (Level(found.chance, "chance"),),
        spans=(None, (0.0, 1.0)),
        categories=tuple(_end(name) for name in short),
    )
    return Figure("A linear classifier is fitted on the features at every depth, from the input to the head.", (panel,))


def _end(name: str) -> str:
    """Keep the end of a long path, which tells layers apart.

    >>> _end("stages.0.conv1")
    '…0.conv1'
    """
    return name if len(name) <= 8 else "…" + name[-7:]
