"""[task]: what the network learns to predict."""

from __future__ import annotations

from dataclasses import dataclass

from trainwell.recipe.sections.setting import FRACTION, Limits, Note, OnlyWith, setting


@dataclass(frozen=True)
class TaskRecipe:
    """What the network learns to predict."""

    name: str = setting("classify", "what is learned", limits=Limits(catalogue="task"), population="equal")
    label_smoothing: float = setting(
        0.0,
        "fraction of each label spread evenly over all classes",
        limits=FRACTION,
        note=Note(
            formula="y <- (1 - s) y + s / C",
            use="0.1 with many classes or wrong labels",
            cost="less sharp probabilities",
        ),
        only_with=OnlyWith("task.name"),
        population="varies",
    )
