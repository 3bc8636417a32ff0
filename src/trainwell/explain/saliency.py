"""Which inputs an answer hangs on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainwell.core.errors import ShapeError
from trainwell.explain.evaluation import evaluation_mode


def saliency(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return how strongly each input moves the score of a class: the absolute gradient.

    Simonyan, Vedaldi, Zisserman 2014: for pictures, the largest over the colour channels at each pixel.

    Args:
        model: the network; its modes and gradients are left as they are.
        inputs: (batch, channels, height, width) or (batch, features), as the network receives them.
        classes: (batch,) int, the class whose score is asked about.
    Returns:
        (batch, height, width) or (batch, features), not negative.
    Raises:
        ShapeError: if there is not one class for each input.

    >>> layer = nn.Linear(3, 2)
    >>> _ = layer.weight.data.copy_(torch.tensor([[1.0, -2.0, 0.0], [0.0, 0.0, 5.0]]))
    >>> saliency(layer, torch.zeros(2, 3), classes=torch.tensor([0, 1]))
    tensor([[1., 2., 0.],
            [0., 0., 5.]])
    """
    if classes.shape != inputs.shape[:1]:
        raise ShapeError(f"classes must be one number per input, ({len(inputs)},), got {tuple(classes.shape)}.")
    asked = inputs.detach().clone().requires_grad_()
    with evaluation_mode(model), torch.enable_grad():
        scores = model(asked).gather(1, classes[:, None].to(inputs.device))
        (gradient,) = torch.autograd.grad(scores.sum(), asked)
    strength = gradient.abs()
    return strength.amax(dim=1) if strength.ndim == 4 else strength
