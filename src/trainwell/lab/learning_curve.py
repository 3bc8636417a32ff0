"""The error falls as a power of the number of examples, so that small subsets tell what more data would bring.

Networks learn nested subsets, each twice as large as the one before. A straight line through the logarithms of the
smaller ones foretells the error of the largest, with an interval from the scatter around it (Hestness et al. 2017).
"""

from __future__ import annotations

import torch

from trainwell.core.figure import LOG_BOTH, Figure, Panel, curve
from trainwell.doctor import extrapolate, fit_power_law
from trainwell.lab.learning import dense, judge, learn, pictures
from trainwell.lab.result import Conditions, Expected, Result, near, result

_SIZES, _FITTED, _SEEDS = (25, 50, 100, 200, 400, 800), 4, 2


def foretell(sizes: list[int], errors: list[float], size: int) -> tuple[float, float, float, float]:
    """Fit error = a · size^-b to logarithms; return b, the error foretold for one training, and its 95 % interval."""
    found = extrapolate(sizes, errors, size, measured=True)
    return fit_power_law(sizes, errors)[0], found.error, found.low, found.high


def run(conditions: Conditions) -> Result:
    """Train on growing subsets, and compare what was foretold with what came."""
    data = pictures(conditions, train=_SIZES[-1], held=900)
    errors = []
    for size in _SIZES:
        some, wrong = data._replace(inputs=data.inputs[:size], targets=data.targets[:size]), []
        for seed in range(_SEEDS):
            torch.manual_seed(seed)
            model = dense([data.inputs[0].numel(), 64, 10])
            learn(model, some, torch.optim.Adam(model.parameters(), lr=3e-3), steps=300, batch=32)
            wrong.append(1 - judge(model, data.held_inputs, data.held_targets)[1])
        errors.append(sum(wrong) / _SEEDS)
    fitted = list(_SIZES[:_FITTED])
    known = errors[:_FITTED]
    power, foretold, low, high = foretell(fitted, known, _SIZES[-1])
    line = [foretell(fitted, known, size)[1] for size in _SIZES]
    band = [[foretell(fitted, known, size)[end] for size in _SIZES] for end in (2, 3)]
    series = (
        curve("foretold", line, xs=_SIZES, colour=-1),
        *(
            curve(name, edge[_FITTED - 1 :], xs=_SIZES[_FITTED - 1 :], colour=3)
            for name, edge in zip(("", "95 % interval"), band, strict=True)
        ),
        curve("used for the line", known, xs=fitted, kind="dots", colour=0),
        curve("came later", errors[_FITTED:], xs=_SIZES[_FITTED:], kind="dots", colour=1),
    )
    figure = Figure(
        "A line through the first four sizes foretells the others; its 95 % interval opens to the right.",
        (
            Panel(
                "Four sizes foretell the next two",
                "training pictures",
                "error on held-out pictures",
                series,
                spans=((20.0, 1000.0), None),
                logs=LOG_BOTH,
            ),
        ),
    )
    return result(
        {
            "power b of error = a · n^-b": (power, near(0.6, within=0.3)),
            "error with 800 pictures": (errors[-1], Expected(low, high)),
            "foretold error per measured": (foretold / errors[-1], near(1, within=0.6)),
        },
        figure,
        data.remark,
    )
