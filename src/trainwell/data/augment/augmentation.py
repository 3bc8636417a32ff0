"""Label-preserving augmentation of batches of images on the training device [B6]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, final

import torch
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.catalogue import nearest
from trainwell.core.errors import RecipeError
from trainwell.data.augment.colour import COLOURS
from trainwell.data.augment.geometry import AFFINE, Warp, elastic_field

_NONLINEAR = {"lens": 0.2, "elastic": 0.02}  # displacement at the rim; fraction of the side
DEFAULTS = {name: strength for name, (_, strength) in (*AFFINE.items(), *COLOURS.items())} | _NONLINEAR
NAMES = ("shift", "flip", *DEFAULTS)  # of all changes of images
_WITHOUT = ("flip", "flip_vertical", "multi_crop")  # these have no strength


class Step(NamedTuple):
    """One augmentation and its strength, in its own unit."""

    name: str
    strength: float


def parse(texts: Sequence[str]) -> tuple[Step, ...]:
    """Return the augmentations that a recipe names: "rotate", or "rotate:30" with a strength.

    Raises:
        RecipeError: with one sentence for each mistake.

    >>> parse(["flip", "rotate:30"])
    (Step(name='flip', strength=0.0), Step(name='rotate', strength=30.0))
    >>> parse(["rotat"])
    Traceback (most recent call last):
    trainwell.core.errors.RecipeError: data.augment: unknown augmentation 'rotat'. Did you mean 'rotate'? ...
    """
    steps = []
    mistakes = []
    for text in texts:
        name, colon, strength = text.partition(":")
        if name not in DEFAULTS:
            guess = nearest(name, DEFAULTS)
            hint = f" Did you mean {guess!r}?" if guess else ""
            names = ", ".join(sorted(DEFAULTS))
            mistakes.append(f"data.augment: unknown augmentation {name!r}.{hint} Valid names: {names}.")
            continue
        try:
            value = float(strength) if colon else DEFAULTS[name]
        except ValueError:
            value = -1.0
        if not 0 <= value < 1e4 or (colon and (name in _WITHOUT or value == 0)):
            wanted = "must have no strength" if name in _WITHOUT else "must be a name and a number above 0"
            mistakes.append(f"data.augment: {name} {wanted}, got {text!r}. Example: 'rotate:15'.")
            continue
        steps.append(Step(name, value))
    if mistakes:
        raise RecipeError(mistakes)
    return tuple(steps)


@final
class Augment:
    """Transform every image of a batch independently at random.

    All random numbers come from torch's default generator of the CPU, whatever the device, so that a seed gives the
    same images everywhere; the loop seeds it with (seed, epoch, step). First come shift and flip in one gathering of
    pixels, then the steps in their order: all movements in one resampling, then colours. "boxes" and "points" of a
    batch move with the pixels.

    Args:
        shift: images move by up to this many pixels each way; new pixels are 0, the mean of standardised inputs
            (He et al. 2015 pad CIFAR by 4).
        flip: mirror horizontally with probability 1/2; only where mirrored objects keep their class.
        steps: further augmentations, see `parse`.
        mix: probability of each step for each image: below 1 every image gets a random mixture of steps.
        affine: mean and deviation by which the channels of pixels in [0, 1] were standardised, for changes of colour.
        noise: fraction of class numbers that are redrawn at every step, and the number of classes (label noise [G1]).

    >>> batch = Batch({"inputs": torch.arange(6.0).reshape(1, 1, 2, 3), "targets": torch.zeros(1)})
    >>> _ = torch.default_generator.manual_seed(0)
    >>> Augment(shift=1, flip=False)(batch).inputs
    tensor([[[[0., 3., 4.],
              [0., 0., 0.]]]])
    """

    def __init__(
        self,
        *,
        shift: int = 0,
        flip: bool = False,
        steps: Sequence[Step] = (),
        mix: float = 1.0,
        affine: tuple[Sequence[float], Sequence[float]] = ((0.0,), (1.0,)),
        noise: tuple[float, int] = (0.0, 0),
    ) -> None:
        self.shift = shift
        self.flip = flip
        self.steps = tuple(steps)
        self.mix = mix
        self.noise = noise
        mean, std = affine
        self._mean = torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1)
        self._std = torch.tensor([one or 1.0 for one in std], dtype=torch.float32).view(-1, 1, 1)

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with new inputs, (B, C, H, W), and everything else unchanged."""
        if self.shift or self.flip:
            batch = self._move(batch)
        if any(step.name not in COLOURS for step in self.steps):
            batch = self._warp(batch).batch(batch)
        changes = [step for step in self.steps if step.name in COLOURS]
        batch = batch.replace(inputs=self._colour(batch.inputs, changes)) if changes else batch
        return self._mislabel(batch) if self.noise[0] else batch

    def _mislabel(self, batch: Batch) -> Batch:
        fraction, classes = self.noise
        targets = batch.targets
        wrong = (torch.rand(len(batch)) < fraction).to(targets.device)
        drawn = torch.randint(0, classes, (len(batch),)).to(targets)
        return batch.replace(targets=torch.where(wrong, drawn, targets))

    def _applied(self, count: int) -> Tensor | None:
        """Return which images a step applies to, (count,) bool; None: all."""
        return torch.rand(count) < self.mix if self.mix < 1 else None

    def _warp(self, batch: Batch) -> Warp:
        count = len(batch)
        size = (batch.inputs.shape[2], batch.inputs.shape[3])
        warp = Warp.none(count)
        for name, strength in self.steps:
            if name in COLOURS:
                continue
            applied = self._applied(count)
            if name == "lens":
                bend = strength * (2 * torch.rand(count) - 1)
                warp = Warp(warp.matrix, bend if applied is None else bend * applied, warp.field)
            elif name == "elastic":
                field = elastic_field(count, strength, size=size)
                warp = Warp(warp.matrix, warp.bend, field if applied is None else field * applied[:, None, None, None])
            else:
                matrix = AFFINE[name][0](count, strength, size)
                warp = warp.then(
                    matrix if applied is None else torch.where(applied[:, None, None], matrix, torch.eye(3))
                )
        return warp.to(batch.inputs.device)

    def _colour(self, inputs: Tensor, changes: Sequence[Step]) -> Tensor:
        mean = self._mean.to(inputs)
        std = self._std.to(inputs)
        images = inputs * std + mean
        for name, strength in changes:
            applied = self._applied(len(images))
            changed = COLOURS[name][0](images, strength)
            keep = None if applied is None else applied.to(inputs.device)[:, None, None, None]
            images = changed if keep is None else torch.where(keep, changed, images)
        return (images - mean) / std

    def _move(self, batch: Batch) -> Batch:
        """Shift and flip in one pass: gather each output pixel from the padded image."""
        images = batch.inputs
        count, channels, height, width = images.shape
        down, right = (torch.randint(0, 2 * self.shift + 1, (count, 1)) for _ in range(2))
        columns = torch.arange(width).expand(count, width)
        mirrored = torch.zeros(count, 1, dtype=torch.bool)
        if self.flip:
            mirrored = torch.rand(count, 1) < 0.5
            columns = torch.where(mirrored, width - 1 - columns, columns)
        rows = (torch.arange(height) + down) * (width + 2 * self.shift)
        pixels = (rows[:, :, None] + (columns + right)[:, None, :]).reshape(count, 1, height * width)
        padded = F.pad(images, (self.shift,) * 4).flatten(2)
        moved = padded.gather(2, pixels.to(images.device).expand(count, channels, height * width))
        changes = {"inputs": moved.view(count, channels, height, width)}
        if "boxes" in batch or "points" in batch:
            warp = Warp.none(count)
            warp.matrix[:, 0, 0] = torch.where(mirrored[:, 0], -1.0, 1.0)
            warp.matrix[:, 0, 2] = (right[:, 0] - self.shift) * 2.0 / width
            warp.matrix[:, 1, 2] = (down[:, 0] - self.shift) * 2.0 / height
            warp = warp.to(images.device)
            size = (height, width)
            moves = {"boxes": warp.boxes, "points": warp.points}
            changes |= {name: move(batch[name], size) for name, move in moves.items() if name in batch}
        return batch.replace(**changes)
