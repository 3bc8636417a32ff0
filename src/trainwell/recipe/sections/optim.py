"""[optim]: how the weights are updated: optimizer, penalties, schedule of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
    Values,
    setting,
)

_ADAM = OnlyWith("optim.name", names=("adam", "adamw"))
LOOK_AGAIN = ("lbfgs", "newton", "saddle_free", "vsgd")  # optimizers that evaluate the loss again within a step


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
        "momentum: fraction of the last step kept (sgd, momentum, nesterov, kfac)",
        limits=FRACTION,
        note=Note(
            formula="v <- m v + g; w <- w - r v",
            use="0.9; up to 0.99 with smooth losses",
            cost="overshoots",
            lab=("optimizer_race",),
        ),
        only_with=OnlyWith("optim.name", names=("sgd", "momentum", "nesterov", "kfac")),
        population="varies",
    )
    nesterov: bool = setting(
        True, "Nesterov momentum (sgd)", only_with=OnlyWith("optim.name", names=("sgd",)), population="varies"
    )
    beta1: float = setting(
        0.9, "decay of the mean gradient (adam, adamw)", limits=FRACTION, only_with=_ADAM, population="varies"
    )
    beta2: float = setting(
        0.999, "decay of the mean squared gradient (adam, adamw)", limits=FRACTION, only_with=_ADAM, population="varies"
    )
    rho: float = setting(
        0.9,
        "decay of the mean squared gradient (rmsprop, adadelta)",
        limits=FRACTION,
        only_with=OnlyWith("optim.name", names=("rmsprop", "adadelta")),
        population="varies",
    )
    epsilon: float = setting(
        1e-8,
        "added to the denominator for numerical stability",
        limits=POSITIVE,
        only_with=OnlyWith("optim.name", names=("adam", "adamw", "adagrad", "adadelta", "rmsprop")),
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
        "damping added to the curvature (kfac, newton, saddle_free)",
        limits=POSITIVE,
        only_with=OnlyWith("optim.name", names=("kfac", "newton", "saddle_free")),
    )
    history: int = setting(
        10,
        "past steps that approximate the curvature (lbfgs)",
        limits=AT_LEAST_ONE,
        unit="steps",
        only_with=OnlyWith("optim.name", names=("lbfgs",)),
    )
    refresh: int = setting(
        10,
        "steps between two updates of the curvature (kfac)",
        limits=AT_LEAST_ONE,
        unit="steps",
        only_with=OnlyWith("optim.name", names=("kfac",)),
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
        "epochs between two drops (schedule step)",
        limits=POSITIVE,
        unit="epochs",
        only_with=OnlyWith("optim.schedule", names=("step",)),
        population="varies",
    )
    step_factor: float = setting(
        0.1,
        "factor of the learning rate at each drop (schedules step, plateau)",
        limits=POSITIVE,
        only_with=OnlyWith("optim.schedule", names=("step", "plateau")),
        population="varies",
    )
    schedule_decay: float = setting(
        0.1,
        "decay per epoch (schedules exponential, inverse, inverse_power)",
        limits=NOT_NEGATIVE,
        only_with=OnlyWith("optim.schedule", names=("exponential", "inverse", "inverse_power")),
        population="varies",
    )
    schedule_power: float = setting(
        0.75,
        "exponent of the decay (schedule inverse_power)",
        limits=POSITIVE,
        only_with=OnlyWith("optim.schedule", names=("inverse_power",)),
        population="varies",
    )
    plateau_epochs: int = setting(
        3,
        "epochs without a better validation score before a drop (schedule plateau)",
        limits=AT_LEAST_ONE,
        unit="epochs",
        only_with=OnlyWith("optim.schedule", names=("plateau",)),
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


def relations(values: Values) -> Iterator[str]:
    """Yield what is wrong between the settings of this section and others."""
    yield from _schedule(values)
    yield from _optimizer(values)


def _schedule(values: Values) -> Iterator[str]:
    schedule, epochs = values["optim.schedule"], values["train.epochs"]
    key = {"step": "optim.step_epochs", "plateau": "optim.plateau_epochs"}.get(schedule)
    if key is None:
        return
    if values[key] >= epochs > 1:
        yield (
            f"{key} must be less than train.epochs = {epochs} for the schedule {schedule!r}, got {values[key]:g}: "
            "the learning rate would never drop. Train longer, or drop sooner."
        )
    if values["optim.step_factor"] >= 1:
        yield (
            f"optim.step_factor must be less than 1, got {values['optim.step_factor']:g}: a drop must lower the "
            "learning rate."
        )


def _optimizer(values: Values) -> Iterator[str]:
    name = values["optim.name"]
    if name in ("momentum", "nesterov") and values["optim.momentum"] == 0:
        yield f"optim.momentum must be greater than 0 for the optimizer {name!r}, got 0. The usual value is 0.9."
    if name == "lbfgs" and values["optim.decoupled"]:
        yield (
            "optim.decoupled must be false for the optimizer 'lbfgs', got true: its line search must see everything "
            "that changes the weights. Leave it out."
        )
    if name in LOOK_AGAIN:
        keys = ["train.clip_norm", "train.clip_value", *(["optim.l1"] if name == "lbfgs" else []), "train.micro_batch"]
        for key in keys:
            if values[key]:
                yield (
                    f"{key} must be 0 for the optimizer {name!r}, got {values[key]:g}: it evaluates the loss of the "
                    "whole batch several times in a step, which does not take this into account. Leave it out."
                )
