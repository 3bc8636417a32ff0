"""Batch normalisation that also removes the correlation between features."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError


@final
class DecorrelatedBatchNorm(nn.Module):
    """Whiten features over the batch by ZCA, so that their covariance is the identity (Huang et al. 2018).

    The running mean and the running whitening matrix are used at prediction, and for a batch with too few samples
    (the last of an epoch), unless it is the first.

    Args:
        features: number of features or channels.
        momentum: weight of the current batch in the running values.
        epsilon: added to the variances, for directions in which the batch does not vary.
    Shapes:
        (batch, features) or (batch, features, height, width), unchanged.
    Raises:
        UsageError: if the first training batch has no more samples than features: its covariance has no inverse.

    >>> torch.manual_seed(0).initial_seed(), DecorrelatedBatchNorm(2)(torch.randn(100, 2)).T.cov().round(decimals=2)
    (0, tensor([[1.0100, 0.0000],
                [0.0000, 1.0100]], grad_fn=<RoundBackward1>))
    """

    running_mean: Tensor
    running_matrix: Tensor
    num_batches_tracked: Tensor

    def __init__(self, features: int, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_matrix", torch.eye(features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return whitened features with the learned scale and shift."""
        rows = inputs.movedim(1, -1).reshape(-1, inputs.shape[1])
        enough = len(rows) > rows.shape[1]
        if self.training and (enough or not int(self.num_batches_tracked)):
            if not enough:
                raise UsageError(
                    f"Decorrelated batch norm needs more samples than its {rows.shape[1]} features, "
                    f"got {len(rows)}. Use larger batches or group norm."
                )
            mean = rows.mean(0)
            centred = rows - mean
            matrix = self._whitening(centred.T @ centred / len(rows))
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_matrix.lerp_(matrix, self.momentum)
                self.num_batches_tracked += 1
        else:
            centred = rows - self.running_mean
            matrix = self.running_matrix
        white = centred @ matrix * self.weight + self.bias
        return white.reshape(inputs.movedim(1, -1).shape).movedim(-1, 1)

    def _whitening(self, covariance: Tensor) -> Tensor:
        """Return the symmetric inverse square root: the whitening that changes features least (ZCA)."""
        values, vectors = torch.linalg.eigh(covariance + self.epsilon * torch.eye(len(covariance)).to(covariance))
        matrix: Tensor = vectors @ torch.diag(values.rsqrt()) @ vectors.T
        return matrix
