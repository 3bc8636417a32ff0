"""Whitened data have the identity as covariance: no direction is larger than another, none predicts another.

Centring and rotating onto the principal axes removes correlations, dividing by the deviations makes axes equal (PCA).
Rotating back (ZCA) gives pixels that still look like pixels. Statistics come from the training rows; on others the
covariance is only nearly the identity. Pixels are the 16 in the middle of each picture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.figure import LOG_Y, Field, Figure, Panel, Series, curves
from trainwell.lab.learning import pictures
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result


def _whitening(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean, principal axes (columns, longest first) and deviations along them."""
    values, axes = torch.linalg.eigh(rows.T.cov())
    return rows.mean(0), axes.flip(1), values.flip(0).clamp(min=1e-12).sqrt()


def _far(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def _cloud(title: str, rows: Tensor) -> Panel:
    points = tuple((float(a), float(b)) for a, b in rows[:300])
    return Panel(
        title, "feature 1", "feature 2", (Series("", points, "dots"),), spans=((-6.0, 6.0), (-6.0, 6.0)), square=True
    )


def _matrix(title: str, matrix: Tensor) -> Panel:
    rows, side = tuple(tuple(map(float, row)) for row in matrix.flip(0)), float(len(matrix))
    return Panel(title, "pixel", "pixel", field=Field(rows), spans=((0.0, side), (0.0, side)), square=True)


def run(conditions: Conditions) -> Result:
    """Whiten a cloud of points and the pixels of pictures."""
    cloud = (
        torch.randn(2000, 2, dtype=torch.float64) @ torch.tensor([[1.8, 1.2], [0.0, 0.5]], dtype=torch.float64) + 0.8
    )
    mean, axes, sizes = _whitening(cloud)
    round_ = (cloud - mean) @ axes / sizes
    data = pictures(conditions, train=1000)
    side = data.shape[-1] // 2
    middle = (slice(None), 0, slice(side - 2, side + 2), slice(side - 2, side + 2))
    pixels, held = (inputs[middle].flatten(1).double() for inputs in (data.inputs, data.held_inputs))
    centre, directions, deviations = _whitening(pixels)
    white, others = (((rows - centre) @ directions / deviations) @ directions.T for rows in (pixels, held))
    identity = torch.eye(16, dtype=torch.float64)
    kinds = {"before": pixels, "after": white, "held out": others}
    spectra = curves(
        {name: torch.linalg.eigvalsh(rows.T.cov()).flip(0) for name, rows in kinds.items()}, xs=range(1, 17)
    )
    figure = Figure(
        "Rotate, then stretch: the cloud becomes round. The same makes the pixels' covariance the identity.",
        (
            _cloud("As measured", cloud),
            _cloud("Centred and rotated: no correlation", (cloud - mean) @ axes),
            _cloud("Divided by the deviations: white", round_),
            Panel("Variance along the pixels' principal axes", "axis", "variance", spectra, logs=LOG_Y),
            _matrix("Covariance of 16 pixels before", pixels.T.cov()),
            _matrix("After: the identity", white.T.cov()),
        ),
    )
    after, elsewhere = _far(white.T.cov(), identity), _far(others.T.cov(), identity)
    return result(
        {
            "covariance of two pixels before, largest": (_far(pixels.T.cov(), pixels.var(0).diag()), at_least(0.1)),
            "covariance after, distance from identity": (after, near(0, within=1e-3)),
            "the same on held-out pictures": (elsewhere, at_most(0.5)),
            "cloud after, distance from identity": (_far(round_.T.cov(), torch.eye(2)), near(0, within=1e-3)),
        },
        figure,
        data.remark,
    )
