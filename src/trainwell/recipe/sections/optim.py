"""[optim]: how the weights are updated: optimizer, penalties, schedule of the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trainwell.recipe.sections.setting import (
    AT_LEAST_ONE,
    COUNT,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Limits,
    Note,
    OnlyWith,
    setting,
)

_OPTIMIZER = OnlyWith("optim.name")  # the optimizer that is chosen says whether it uses the setting
_SCHEDULE = OnlyWith("optim.schedule")


@dataclass(frozen=True)
class OptimRecipe:
    """How the weights are updated."""

    name: str = setting("adamw", "optimizer", limits=Limits(catalogue="optimizer"), population="equal")
    learning_rate: float = setting(
        1e-3,
        "learning rate, at its highest",
        limits=POSITIVE,
        note=Note(
            formula="w <- w - r g; plain descent converges on a quadratic while r < 2 / largest curvature",
            use="the setting that matters most: find it with `trainwell range-test`, then tune it on a log scale",
            cost="too high: diverges or leaves dead ReLU units; too low: never arrives",
            lab=("critical_rate", "batch_and_rate", "dying_relu"),
        ),
        population="varies",
    )
    momentum: float = setting(
        0.9,
        "momentum: fraction of the last step kept",
        limits=FRACTION,
        note=Note(
            formula="v <- m v + g; w <- w - r v",
            use="0.9; up to 0.99 with smooth losses",
            cost="overshoots",
            lab=("optimizer_race",),
        ),
        only_with=_OPTIMIZER,
        population="varies",
    )
    nesterov: bool = setting(True, "Nesterov momentum", only_with=_OPTIMIZER, population="varies")
    beta1: float = setting(
        0.9, "decay of the mean gradient", limits=FRACTION, only_with=_OPTIMIZER, population="varies"
    )
    beta2: float = setting(
        0.999, "decay of the mean squared gradient", limits=FRACTION, only_with=_OPTIMIZER, population="varies"
    )
    rho: float = setting(
        0.9,
        "decay of the mean squared gradient",
        limits=FRACTION,
        only_with=_OPTIMIZER,
        population="varies",
    )
    epsilon: float = setting(
        1e-8,
        "added to the denominator for numerical stability",
        limits=POSITIVE,
        only_with=_OPTIMIZER,
        population="varies",
    )
    weight_decay: float = setting(
        0.01,
        "weight decay of weight matrices; never of biases",
        limits=NOT_NEGATIVE,
        note=Note(
            formula="adamw: w <- (1 - r d) w; others: g + d w",
            use="0.01 to 0.1 for adamw, 1e-4 to 5e-4 for sgd",
            cost="underfitting when too strong",
            lab=("weight_decay",),
        ),
        population="varies",
    )
    decoupled: bool = setting(
        False,
        "decouple weight decay from the gradient (adamw: always)",
        note=Note(
            formula="w <- (1 - r d) w before the step",
            use="with adaptive optimizers",
            cost="none",
            lab=("weight_decay",),
        ),
    )
    l1: float = setting(
        0.0,
        "L1 penalty: makes weights exactly zero",
        limits=NOT_NEGATIVE,
        note=Note(
            formula="after each step w moves by r l1 towards 0 and no further",
            use="to remove inputs",
            cost="bias",
            lab=("l1_sparsity",),
        ),
    )
    l2: float = setting(
        0.0,
        "L2 penalty in the loss: l2/2 times the sum of squares",
        limits=NOT_NEGATIVE,
        note=Note(
            formula="loss + l2/2 sum w²",
            use="ridge regression; with l1 the elastic net",
            cost="underfitting",
            lab=("l1_sparsity",),
        ),
    )
    penalise_biases: bool = setting(False, "apply weight decay and penalties to biases and scales too")
    max_norm: float = setting(
        math.inf,
        "max-norm constraint on each unit's incoming weights, often 3; inf: none",
        limits=Limits(low=0, above=True, unlimited=True),
        note=Note(
            formula="|w_unit| <= limit after every step",
            use="3 or 4, with dropout and high learning rates",
            cost="next to nothing; units that need large weights",
            lab=("max_norm",),
        ),
    )
    damping: float = setting(
        1e-3,
        "damping added to the curvature",
        limits=POSITIVE,
        only_with=_OPTIMIZER,
    )
    history: int = setting(
        10,
        "past steps that approximate the curvature",
        limits=AT_LEAST_ONE,
        unit="steps",
        only_with=_OPTIMIZER,
    )
    refresh: int = setting(
        10,
        "steps between two updates of the curvature",
        limits=AT_LEAST_ONE,
        unit="steps",
        only_with=_OPTIMIZER,
    )
    schedule: str = setting(
        "cosine", "learning-rate schedule", limits=Limits(catalogue="schedule"), population="varies"
    )
    warmup: float = setting(
        0.05,
        "warm-up: fraction of all steps over which the learning rate rises from 0",
        limits=FRACTION,
        note=Note(
            formula="r (n + 1) / (w + 1) over the first w steps",
            use="adaptive optimizers, large batches",
            cost="none",
            lab=("schedules",),
        ),
        population="varies",
    )
    step_epochs: float = setting(
        10.0,
        "epochs between two drops",
        limits=POSITIVE,
        unit="epochs",
        only_with=_SCHEDULE,
        population="varies",
    )
    step_factor: float = setting(
        0.1,
        "factor of the learning rate at each drop",
        limits=POSITIVE,
        only_with=_SCHEDULE,
        population="varies",
    )
    schedule_decay: float = setting(
        0.1,
        "decay per epoch",
        limits=NOT_NEGATIVE,
        only_with=_SCHEDULE,
        population="varies",
    )
    schedule_power: float = setting(
        0.75,
        "exponent of the decay",
        limits=POSITIVE,
        only_with=_SCHEDULE,
        population="varies",
    )
    plateau_epochs: int = setting(
        3,
        "epochs without a better validation score before a drop",
        limits=AT_LEAST_ONE,
        unit="epochs",
        only_with=_SCHEDULE,
    )
    reference_batch: int = setting(
        0,
        "batch size the learning rate is meant for; other sizes rescale it; 0: never",
        limits=COUNT,
        unit="examples",
        note=Note(
            formula="k times the batch: r k (practice) or r sqrt(k) (theory)",
            use="to change the batch size without tuning the learning rate again",
            cost="unreliable beyond a factor of about 32: a warning is given",
            lab=("batch_and_rate",),
        ),
    )
    batch_scaling: str = setting(
        "linear",
        "rescale the learning rate by k or by sqrt(k) for k times the batch",
        limits=Limits(words=("linear", "sqrt")),
        only_with=OnlyWith("optim.reference_batch", off=0),
    )
