"""Saliency maps, which inputs a prediction depends on: gradients, integrated gradients, Grad-CAM, occlusion."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import MissingExtraError, ShapeError, UsageError
from trainwell.core.modes import evaluation_mode
from trainwell.explain.features import hooked

_STEPS = 32  # on the path of integrated gradients; 20 to 300 in the paper
_BLOCK = 64  # occluded images in one forward pass


def scores(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return the logit of one class for each input, (batch,); a single logit counts for class 1, its negative for 0.

    Raises:
        ShapeError: if there is not one class for each input.
    """
    if classes.shape != inputs.shape[:1]:
        raise ShapeError(f"classes must be one number per input, ({len(inputs)},), got {tuple(classes.shape)}.")
    outputs: Tensor = model(inputs)
    outputs = outputs.reshape(len(inputs), -1)
    classes = classes.to(outputs.device)
    if outputs.shape[1] == 1:
        return outputs[:, 0] * (2 * classes - 1)
    return outputs.gather(1, classes[:, None])[:, 0]


def gradient(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return the gradient of each input's class score with respect to the input, of the input's shape."""
    leaf = inputs.detach().clone().requires_grad_()
    with evaluation_mode(model), torch.enable_grad():
        (slope,) = torch.autograd.grad(scores(model, leaf, classes=classes).sum(), leaf)
    return slope


def saliency(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return how much the score of a class depends on each input: the absolute gradient.

    Simonyan, Vedaldi, Zisserman 2014: for images, the largest over the colour channels at each pixel.

    Args:
        model: the network; its modes and gradients are left as they are.
        inputs: (batch, channels, height, width) or (batch, features), as the network receives them.
        classes: (batch,) int, the class whose score is explained.
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
    strength = gradient(model, inputs, classes=classes).abs()
    return strength.amax(dim=1) if strength.ndim == 4 else strength


def integrated_gradients(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return the contribution of each input to the score, along the straight path from zero (the mean) to the input.

    Sundararajan, Taly, Yan 2017: the contributions of an input add up to f(input) - f(0).

    Returns:
        of the shape of `inputs`; positive values support the class.

    >>> layer = nn.Linear(2, 1, bias=False)
    >>> x = torch.tensor([[3.0, -1.0]])
    >>> shares = integrated_gradients(layer, x, classes=torch.tensor([1]))
    >>> torch.allclose(shares.sum(), layer(x).sum())
    True
    """
    total = torch.zeros_like(inputs)
    for step in range(_STEPS):
        total += gradient(model, inputs * ((step + 0.5) / _STEPS), classes=classes)
    return inputs * total / _STEPS


def grad_cam(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return the Grad-CAM map: the last feature maps weighted by their mean gradients, through a ReLU.

    Selvaraju et al. 2017. The last feature maps are the output of the last layer with a height and width above 1.

    Args:
        model: the network; its modes are left as they are.
        inputs: (batch, channels, height, width).
        classes: (batch,) int.
    Returns:
        (batch, height, width), not negative, as large as the inputs.
    Raises:
        UsageError: if no layer returns feature maps.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, given: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            kept[:] = [output]

    leaves = [module for module in model.modules() if not list(module.children())]
    leaf = inputs.detach().clone().requires_grad_()  # so that a network with frozen layers has a graph as well
    handles = [module.register_forward_hook(keep) for module in leaves]
    with hooked(handles), evaluation_mode(model), torch.enable_grad():
        score = scores(model, leaf, classes=classes).sum()
        if not kept:
            raise UsageError("Grad-CAM needs convolutions, but no layer returns feature maps. Try the map gradient.")
        (slope,) = torch.autograd.grad(score, kept[0])
    supporting = (slope.mean(dim=(2, 3), keepdim=True) * kept[0].detach()).sum(1, keepdim=True).relu()
    return F.interpolate(supporting, size=inputs.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def occlusion(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
    """Return how much the score decreases when a square is covered by the mean colour (Zeiler and Fergus 2014).

    The side of the square is an eighth of the shorter side, at least 2 pixels; it moves by half of that.

    Returns:
        (batch, height, width): at each pixel the mean decrease over the squares that cover it.
    """
    _, _, height, width = inputs.shape
    side = max(2, min(height, width) // 8)
    step = max(1, side // 2)
    corners = [(y, x) for y in _starts(height, side, step=step) for x in _starts(width, side, step=step)]
    decrease = torch.zeros(len(inputs), height, width)
    times = torch.zeros(height, width)
    with evaluation_mode(model), torch.no_grad():
        for number, one in enumerate(inputs):
            whole = scores(model, one[None], classes=classes[number : number + 1])
            for first in range(0, len(corners), _BLOCK):
                block = corners[first : first + _BLOCK]
                covered = one.repeat(len(block), 1, 1, 1)
                for image, (y, x) in zip(covered, block, strict=True):
                    image[:, y : y + side, x : x + side] = 0.0
                left = scores(model, covered, classes=classes[number].expand(len(block)))
                for (y, x), lost in zip(block, (whole - left).tolist(), strict=True):
                    decrease[number, y : y + side, x : x + side] += lost
    for y, x in corners:
        times[y : y + side, x : x + side] += 1
    return decrease / times


def _starts(length: int, side: int, *, step: int) -> list[int]:
    return sorted({*range(0, length - side, step), length - side})


def _captum(name: str) -> Callable[..., Tensor]:
    """Return a published method as captum computes it."""

    def attribute(model: nn.Module, inputs: Tensor, *, classes: Tensor) -> Tensor:
        try:
            import captum.attr
        except ImportError:
            raise MissingExtraError(f"The map {name!r}", "captum", extra="explain") from None
        net = nn.Sequential(model)
        leaf = inputs.clone().requires_grad_()
        with evaluation_mode(model), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # captum warns of its hooks
            if model(inputs[:1]).numel() == 1:  # the logit of class 1; its negative is that of class 0
                net.append(both := nn.Linear(1, 2, bias=False))
                both.weight.data = torch.tensor([[-1.0], [1.0]])
            found: Tensor = getattr(captum.attr, name)(net).attribute(leaf, target=classes)
        return found.detach()

    return attribute


MAPS: Catalogue[Callable[..., Tensor]] = Catalogue(
    "map",
    {
        "gradient": saliency,
        "integrated_gradients": integrated_gradients,
        "grad_cam": grad_cam,
        "occlusion": occlusion,
        "input_x_gradient": _captum("InputXGradient"),  # Shrikumar et al. 2016
        "deep_lift": _captum("DeepLift"),  # Shrikumar et al. 2017
        "guided_backprop": _captum("GuidedBackprop"),  # Springenberg et al. 2015
    },
)


def flat(attribution: Tensor) -> Tensor:
    """Return one value for each pixel of (batch, [channels,] height, width): absolute values summed over channels."""
    return attribution.abs().sum(1) if attribution.ndim == 4 else attribution.clamp_min(0)
