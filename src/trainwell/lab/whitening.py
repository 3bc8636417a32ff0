"""Whitened data have the identity as their covariance: all directions have variance 1 and are uncorrelated.

Centring and rotating onto the principal components removes correlations; dividing by the standard deviations makes the
variances equal (PCA whitening). Rotating back (ZCA) gives pixels that still look like pixels. The statistics come from
the training rows; on other rows the covariance is only close to the identity. Pixels are the 16 in the middle of each
image.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.figure import LOG_Y, Axes, Curve, Field, Figure, Panel
from trainwell.lab.learning import images
from trainwell.lab.result import Conditions, Result, at_least, at_most, near, result
from trainwell.lab.seeds import mean_curves, means, repeat


class _Pixels(NamedTuple):
    """Sixteen pixels as they are, whitened, and held-out ones whitened by the same statistics, (N, 16) each."""

    before: Tensor
    after: Tensor
    held: Tensor


def _whitening(rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean, the principal components (columns, largest first) and the standard deviations along them."""
    values, axes = torch.linalg.eigh(rows.T.cov())
    return rows.mean(0), axes.flip(1), values.flip(0).clamp(min=1e-12).sqrt()


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max())


def _cloud(title: str, rows: Tensor) -> Panel:
    points = tuple((float(a), float(b)) for a, b in rows[:300])
    spans = ((-6.0, 6.0), (-6.0, 6.0))
    return Panel(title, "feature 1", "feature 2", (Curve("", points, "dots"),), axes=Axes(spans=spans, square=True))


def _matrix(title: str, matrix: Tensor) -> Panel:
    rows = tuple(tuple(map(float, row)) for row in matrix.flip(0))
    side = float(len(matrix))
    return Panel(title, "pixel", "pixel", field=Field(rows), axes=Axes(spans=((0.0, side), (0.0, side)), square=True))


def _points() -> Tensor:
    """Draw a cloud of 2,000 correlated points."""
    mixing = torch.tensor([[1.8, 1.2], [0.0, 0.5]], dtype=torch.float64)
    return torch.randn(2000, 2, dtype=torch.float64) @ mixing + 0.8


def _steps(cloud: Tensor) -> tuple[Tensor, Tensor]:
    """Return a cloud centred and rotated, and then whitened."""
    mean, axes, sizes = _whitening(cloud)
    rotated = (cloud - mean) @ axes
    return rotated, rotated / sizes


def _pixels(conditions: Conditions) -> list[_Pixels]:
    """Whiten the middle pixels of the images of every seed."""
    data = images(conditions, train=1000)
    side = data.shape[-1] // 2
    middle = (..., 0, slice(side - 2, side + 2), slice(side - 2, side + 2))
    found = []
    for seen, held in zip(
        data.inputs[middle].flatten(2).double(), data.held_inputs[middle].flatten(2).double(), strict=True
    ):
        centre, directions, deviations = _whitening(seen)
        white, others = (((rows - centre) @ directions / deviations) @ directions.T for rows in (seen, held))
        found.append(_Pixels(seen, white, others))
    return found


def _numbers(pixels: _Pixels, cloud: Tensor) -> dict[str, float]:
    identity = torch.eye(16, dtype=torch.float64)
    return {
        "largest covariance of two pixels before": _distance(pixels.before.T.cov(), pixels.before.var(0).diag()),
        "covariance after, distance from identity": _distance(pixels.after.T.cov(), identity),
        "the same on held-out images": _distance(pixels.held.T.cov(), identity),
        "cloud after, distance from identity": _distance(_steps(cloud)[1].T.cov(), torch.eye(2)),
    }


def run(conditions: Conditions) -> Result:
    """Whiten clouds of points and the pixels of images."""
    clouds = repeat(conditions, _points)
    runs = _pixels(conditions)
    rotated, white = _steps(clouds[0])
    spectra = mean_curves(
        {
            name: [torch.linalg.eigvalsh(getattr(one, field).T.cov()).flip(0).tolist() for one in runs]
            for name, field in (("before", "before"), ("after", "after"), ("held out", "held"))
        },
        xs=range(1, 17),
    )
    figure = Figure(
        "Rotate, then scale: the cloud becomes round. The same makes the covariance of the pixels the identity.",
        (
            _cloud("Raw", clouds[0]),
            _cloud("Centred and rotated: no correlation", rotated),
            _cloud("Divided by the standard deviations", white),
            Panel("Variance along the principal components", "component", "variance", spectra, axes=Axes(logs=LOG_Y)),
            _matrix("Covariance of 16 pixels before", runs[0].before.T.cov()),
            _matrix("After: the identity", runs[0].after.T.cov()),
        ),
    )
    found = means([_numbers(one, cloud) for one, cloud in zip(runs, clouds, strict=True)])
    expected = {
        "largest covariance of two pixels before": at_least(0.1),
        "covariance after, distance from identity": near(0, within=1e-3),
        "the same on held-out images": at_most(0.5),
        "cloud after, distance from identity": near(0, within=1e-3),
    }
    return result({name: (found[name], wanted) for name, wanted in expected.items()}, figure)
