"""[train]: how long to train, in which batches and on which device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainwell.recipe.sections.setting import (
    AT_LEAST_ONE,
    COUNT,
    FRACTION,
    NOT_NEGATIVE,
    Limits,
    Note,
    Values,
    setting,
)


@dataclass(frozen=True)
class TrainRecipe:
    """How long to train, in which batches and on which device."""

    epochs: int = setting(
        20, "epochs: passes over the training split", limits=AT_LEAST_ONE, unit="epochs", population="equal"
    )
    minutes: float = setting(
        0.0, "time budget; the epochs are planned to fit it; 0: none", limits=NOT_NEGATIVE, unit="minutes"
    )
    batch_size: int = setting(
        64,
        "examples per optimizer step",
        limits=AT_LEAST_ONE,
        unit="examples",
        note=Note(
            formula="the noise of the gradient falls with sqrt(batch)",
            use="32 to 256; all examples or more: batch gradient descent; 1: single examples",
            cost="large batches take fewer, longer steps and need larger learning rates",
            lab=("batch_paths", "batch_and_rate", "batch_norm"),
        ),
        population="equal",
    )
    micro_batch: int = setting(
        0,
        "examples per backward pass; 0: the whole batch",
        limits=COUNT,
        unit="examples",
        note=Note(
            formula="g = sum of share_i g_i",
            use="batches larger than memory",
            cost="batch norm sees only the micro-batches",
        ),
    )
    clip_norm: float = setting(
        0.0,
        "clip the norm of the whole gradient at this value; 0: no clipping",
        limits=NOT_NEGATIVE,
        note=Note(
            formula="g <- g min(1, c / |g|)",
            use="1 for recurrent networks and cliffs",
            cost="a lower effective learning rate",
            lab=("optimizer_race",),
        ),
        population="varies",
    )
    clip_value: float = setting(
        0.0,
        "clip each component of the gradient at this value; 0: no clipping",
        limits=NOT_NEGATIVE,
        note=Note(
            formula="each g_i is cut to [-c, c]",
            use="single very large gradients",
            cost="changes the direction",
            lab=("optimizer_race",),
        ),
    )
    patience: int = setting(
        0,
        "early stopping: epochs without a better validation score; 0: never stop",
        limits=COUNT,
        unit="epochs",
        note=Note(
            formula="stop when no better score for so many epochs, restore the best",
            use="always",
            cost="needs validation",
            lab=("early_stopping",),
        ),
        population="ignored",
    )
    ema: float = setting(
        0.0,
        "decay of the exponential moving average of the weights used to predict; 0: none",
        limits=FRACTION,
        note=Note(
            formula="a <- d a + (1 - d) w",
            use="0.999: steadier predictions",
            cost="a copy of the weights",
        ),
    )
    checkpoint_seconds: float = setting(
        60.0,
        "seconds between checkpoints; 0: after every step",
        limits=NOT_NEGATIVE,
        unit="seconds",
        population="ignored",
    )
    device: str = setting("auto", "device: auto, cpu, cuda, cuda:1, mps", population="ignored")
    threads: int = setting(
        0,
        "CPU threads; 0: one for small networks, else all",
        limits=Limits(low=0, high=1024),
        unit="threads",
        population="ignored",
    )


def relations(values: Values) -> Iterator[str]:
    """Yield what is wrong between the settings of this section and others."""
    batch = values["train.batch_size"]
    part = values["train.micro_batch"]
    if part > batch:
        yield f"train.micro_batch must be at most train.batch_size = {batch}, got {part}. Make it smaller."
