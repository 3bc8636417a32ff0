"""The error falls as a power of the number of examples, so small subsets predict what more data would bring.

Networks learn nested subsets, each twice as large as the one before. A straight line through the logarithms of the
smaller ones extrapolates the error of the largest, with an interval from the scatter around it (Hestness et al. 2017).
"""

from __future__ import annotations

import torch

from trainwell.core.figure import LOG_BOTH, Axes, Figure, Panel, curve
from trainwell.doctor import extrapolate, fit_power_law
from trainwell.lab.learning import Images, dense, evaluate, images, train, transposed
from trainwell.lab.result import Conditions, Result, at_least, mean_of, near, result
from trainwell.lab.seeds import mean_curve

_SIZES = (25, 50, 100, 200, 400, 800)
_FITTED = 4


def fit_line(sizes: list[int], errors: list[float], *, size: int) -> tuple[float, float, float, float]:
    """Fit error = a · size^-b to logarithms; return b, the predicted error of one training, and its 95 % interval."""
    found = extrapolate(sizes, errors, size=size, measured=True)
    return fit_power_law(sizes, errors)[0], found.error, found.low, found.high


def _errors(data: Images) -> list[list[float]]:
    """Return the held-out error for every size, one list for each seed."""
    errors = []
    for size in _SIZES:
        subset = data._replace(inputs=data.inputs[:, :size], targets=data.targets[:, :size])
        model = dense([data.features, 64, 10], seeds=len(data.inputs))
        train(model, subset, optimizer=torch.optim.Adam(model.parameters(), lr=3e-3), steps=300, batch=32)
        errors.append([1 - accuracy for accuracy in evaluate(model, data.held_inputs, targets=data.held_targets)[1]])
    return transposed(errors)


def run(conditions: Conditions) -> Result:
    """Train on growing subsets, and compare the extrapolation with what was measured later."""
    # One subset of 25 images differs much from another, so this experiment takes twice as many seeds.
    data = images(conditions._replace(seeds=2 * conditions.seeds), train=_SIZES[-1], held=900)
    runs = _errors(data)
    sizes = list(_SIZES[:_FITTED])
    means = [sum(column) / len(column) for column in zip(*runs, strict=True)]
    known = means[:_FITTED]
    line = [fit_line(sizes, known, size=size) for size in _SIZES]
    beyond = _SIZES[_FITTED - 1 :]
    ends = [
        curve(name, [one[end] for one in line[_FITTED - 1 :]], xs=beyond, colour=3)
        for name, end in (("", 2), ("95 % interval", 3))
    ]
    series = (
        curve("extrapolated", [one[1] for one in line], xs=_SIZES, colour=-1),
        *ends,
        mean_curve("used for the fit", [run[:_FITTED] for run in runs], xs=sizes, kind="dots", colour=0),
        mean_curve("measured later", [run[_FITTED:] for run in runs], xs=_SIZES[_FITTED:], kind="dots", colour=1),
    )
    panel = Panel(
        "Four sizes predict the next two",
        "training images",
        "error on held-out images",
        series,
        axes=Axes(spans=((20.0, 1000.0), None), logs=LOG_BOTH),
    )
    fits = [fit_line(sizes, run[:_FITTED], size=_SIZES[-1]) for run in runs]
    inside = [low <= run[-1] <= high for run, (_, _, low, high) in zip(runs, fits, strict=True)]
    ratios = [fit[1] / run[-1] for run, fit in zip(runs, fits, strict=True)]
    figure = Figure("A line through the first four sizes extrapolates to the others, with its 95 % interval.", (panel,))
    return result(
        {
            "power b of error = a · n^-b": (mean_of([fit[0] for fit in fits]), near(0.6, within=0.3)),
            "seeds whose error with 800 images is in the 95 % interval": (sum(inside) / len(inside), at_least(0.7)),
            "predicted error / measured": (mean_of(ratios), near(1, within=0.6)),
        },
        figure,
        remark=data.remark,
    )
