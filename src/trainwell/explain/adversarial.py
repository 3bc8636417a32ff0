"""Adversarial examples: small changes of the pixels that make the network predict another class."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.batch import examples_at_once
from trainwell.core.errors import UsageError
from trainwell.core.modes import evaluation_mode


@dataclass(frozen=True)
class Pixels:
    """Preparation of pixels 0 ... 255 for the network: `input = pixel * scale + shift` for each channel.

    Args:
        scale: (channels,) float.
        shift: (channels,) float.
    """

    scale: Tensor
    shift: Tensor

    def inputs(self, pixels: Tensor) -> Tensor:
        """Prepare (batch, channels, height, width) pixels."""
        return pixels * self.scale.reshape(-1, 1, 1) + self.shift.reshape(-1, 1, 1)


def attack(
    model: nn.Module,
    pixels: Tensor,
    *,
    classes: Tensor,
    rule: Pixels,
    strength: float,
    steps: int = 1,
    toward: bool = False,
) -> Tensor:
    """Change images by at most `strength` levels in every pixel so that the network predicts another class.

    One step is the fast gradient sign method (Goodfellow, Shlens, Szegedy 2015); several smaller ones with the
    change clipped after each are the iterated method (Kurakin, Goodfellow, Bengio 2017). The results can be saved as
    images: their pixels are integers between 0 and 255.

    Args:
        model: the network; its modes and gradients are left as they are.
        pixels: (batch, channels, height, width), integers 0 ... 255.
        classes: (batch,) int; the true classes, or the target classes with `toward`.
        rule: preparation of the pixels.
        strength: largest change of a pixel, in levels of 256.
        steps: number of gradient steps.
        toward: targeted attack: change towards `classes` instead of away from them.
    Returns:
        changed pixels of the same shape.
    Raises:
        UsageError: if strength is negative or steps is less than 1.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    >>> grey = torch.full((1, 1, 2, 2), 128.0)
    >>> rule = Pixels(torch.full((1,), 1 / 255), torch.zeros(1))
    >>> found = attack(net, grey, classes=torch.tensor([0]), rule=rule, strength=3)
    >>> (found - grey).abs().max().item()
    3.0
    """
    if strength < 0 or steps < 1:
        raise UsageError(f"An attack needs a strength of at least 0 and at least 1 step, got {strength:g} and {steps}.")
    start = pixels.float()
    low = (start - strength).clamp(0, 255)
    high = (start + strength).clamp(0, 255)
    # The steps add up to a quarter more than the largest change, so that every pixel can reach it.
    size = strength if steps == 1 else 1.25 * strength / steps
    changed = start.clone()
    with evaluation_mode(model), torch.enable_grad():
        for _ in range(steps):
            leaf = changed.detach().requires_grad_()
            loss = _loss(model(rule.inputs(leaf)), classes)
            (slope,) = torch.autograd.grad(loss, leaf)
            changed = changed + (-size if toward else size) * slope.sign()
            changed = torch.minimum(torch.maximum(changed, low), high)
    # Rounding towards the original keeps the change within bounds.
    return (start + (changed - start).trunc()).clamp(0, 255)


def accuracy_by_strength(
    model: nn.Module, pixels: Tensor, *, classes: Tensor, rule: Pixels, strengths: tuple[float, ...], steps: int
) -> dict[float, float]:
    """Return the accuracy after the attacks of each strength and of all lower ones.

    An image that is classified wrongly needs no stronger attack: its change is within every larger strength.

    Args:
        model: the network.
        pixels: (N, channels, height, width), integers 0 ... 255.
        classes: (N,) true classes.
        rule: preparation of the pixels.
        strengths: largest changes, in levels, ascending.
        steps: gradient steps of each attack.
    """
    found = {}
    correct = torch.ones(len(pixels), dtype=torch.bool)
    at_once = examples_at_once(pixels.shape[1:], most=256)
    for strength in strengths:
        for rows in torch.split(correct.nonzero()[:, 0], at_once) if correct.any() else ():
            shown = pixels[rows]
            true = classes[rows]
            changed = (
                attack(model, shown, classes=true, rule=rule, strength=strength, steps=steps) if strength else shown
            )
            with evaluation_mode(model), torch.no_grad():
                correct[rows] = decide(model(rule.inputs(changed.float()))) == true
        found[strength] = correct.float().mean().item()
    return found


def decide(outputs: Tensor) -> Tensor:
    """Return the class of each row of logits; a single logit above 0 is class 1."""
    outputs = outputs.reshape(len(outputs), -1)
    return outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).long()


def _loss(outputs: Tensor, classes: Tensor) -> Tensor:
    outputs = outputs.reshape(len(classes), -1)
    if outputs.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(outputs[:, 0], classes.float(), reduction="sum")
    return F.cross_entropy(outputs, classes, reduction="sum")
