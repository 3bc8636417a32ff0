"""Dropout trains an ensemble of 2ⁿ networks, and halved weights predict their mean exactly.

A softmax layer behind eight hidden units has 256 sub-networks, one for each mask. The normalised geometric mean of
their predictions equals the one prediction of the whole network with its units halved (Baldi and Sadowski 2013).
Averaging some drawn masks instead comes near the mean of all only slowly, with the square root of their number.
"""

from __future__ import annotations

import itertools

import torch

from trainwell.core.figure import LOG_BOTH, Figure, Panel, Series, curve
from trainwell.lab.result import Conditions, Result, at_most, near, result

_UNITS, _CLASSES = 8, 4


def run(conditions: Conditions) -> Result:
    """Go through all masks."""
    hidden = torch.rand(_UNITS, dtype=torch.float64) * 2
    weight, bias = torch.randn(_CLASSES, _UNITS, dtype=torch.float64), torch.randn(_CLASSES, dtype=torch.float64)
    masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=_UNITS)), dtype=torch.float64)
    members = torch.softmax((masks * hidden) @ weight.T + bias, 1)
    geometric = torch.softmax(members.log().mean(0), 0)
    arithmetic = members.mean(0)
    halved = torch.softmax(weight @ (hidden / 2) + bias, 0)
    counts = [2**power for power in range(11)]
    errors = []
    for count in counts:
        drawn = members[torch.randint(len(masks), (400, count))].mean(1)
        errors.append(float((drawn - arithmetic).square().sum(1).mean().sqrt()))
    shift = torch.linspace(-0.35, 0.35, len(members)).tolist()
    spread = tuple((c + shift[i], p) for i, row in enumerate(members.tolist()) for c, p in enumerate(row))
    names = tuple(f"class {number}" for number in range(1, _CLASSES + 1))
    bars = (
        curve("halved weights", halved, kind="bars", colour=0),
        curve("geometric mean", geometric, kind="bars", colour=1),
        curve("arithmetic mean", arithmetic, kind="bars", colour=2),
    )
    cloud, together = Series("", spread, "dots", -1), ("class", "probability")
    law = curve("1/√masks", [errors[0] / count**0.5 for count in counts], xs=counts, colour=-1)
    fall = (curve("drawn", errors, xs=counts), law)
    figure = Figure(
        "256 sub-networks disagree; the network with halved weights says exactly what their geometric mean says.",
        (
            Panel("What each of 256 sub-networks says", *together, (cloud,), categories=names),
            Panel("What they say together", *together, bars, categories=names),
            Panel("Averaging some masks instead", "masks drawn", "distance from the mean of all", fall, logs=LOG_BOTH),
        ),
    )
    return result(
        {
            "sub-networks": (len(masks), near(2**_UNITS)),
            "geometric mean against halved weights": (float((geometric - halved).abs().max()), near(0, within=1e-12)),
            "arithmetic mean against halved weights": (float((arithmetic - halved).abs().max()), at_most(0.1)),
            "error of 1 mask per 16 masks": (errors[0] / errors[4], near(4, within=0.6)),
        },
        figure,
    )
