"""A small convolutional network that finds wrong labels: slower and more accurate than the fast model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from trainwell.core.seeds import derive
from trainwell.data.values.missing import Array

SMALLEST = 16  # minimum side in pixels, because of three poolings
_LARGEST = 40  # images are downsampled to this side, in pixels
# Total number of training images of all folds: nine minutes on one CPU core (benchmarks/audit.py network).
_SEEN = 200_000
_FOLDS = 5
_LARGE = 20_000  # number of examples from which on two folds suffice
_FOLDS_OF_LARGE = 2
_EPOCHS = 30  # at most: a network that memorises its training examples agrees with wrong labels
# Of the training: batch size, learning rate, weight decay, label smoothing, largest shift in pixels.
_BATCH = 128
_RATE = 0.1
_DECAY = 5e-4
_SMOOTHING = 0.1
_SHIFT = 3
_WIDTHS = (24, 32, 64, 128)  # of airbench94's shape (Jordan 2024), a quarter to a half as wide


def by_network(images: Array, rows: Array, *, targets: Array, seed: int = 0) -> Array:
    """Return out-of-fold probabilities of a small convolutional network, trained with shifts and mirror images.

    Args:
        images: (N, H, W, C) uint8 of at least 16 pixels a side.
        rows: (n,) indices of the images whose labels are checked.
        targets: (n,) class numbers from 0, each at least as often as there are folds.
        seed: random seed of folds, initialisation, order and shifts.
    Returns:
        (n, classes), each from a network that was not trained on the image; the mean over it and its mirror image.
    """
    from sklearn.model_selection import StratifiedKFold

    probabilities = np.zeros((len(rows), int(targets.max()) + 1))
    count = _FOLDS_OF_LARGE if len(rows) >= _LARGE else _FOLDS
    folds = StratifiedKFold(count, shuffle=True, random_state=derive(seed, "judge folds") % 2**32)
    epochs = max(2, min(_EPOCHS, round(_SEEN / ((count - 1) * len(rows)))))
    for fold, (train, held) in enumerate(folds.split(rows, targets)):
        model = _train(
            images,
            rows[train],
            targets=targets[train],
            classes=probabilities.shape[1],
            epochs=epochs,
            seed=derive(seed, "judge", epoch=fold),
        )
        probabilities[held] = _judge(model, images, rows=rows[held])
    return probabilities


def _build(channels: int, classes: int) -> Any:
    from torch import nn

    def block(before: int, after: int) -> list[Any]:
        return [nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]

    first, *widths = _WIDTHS
    layers: list[Any] = [nn.Conv2d(channels, first, 2), nn.ReLU(inplace=True)]
    for before, after in zip((first, *widths), widths, strict=False):
        layers += [*block(before, after), nn.MaxPool2d(2), *block(after, after)]
    return nn.Sequential(*layers, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))


def _train(images: Array, rows: Array, *, targets: Array, classes: int, epochs: int, seed: int) -> Any:
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "init"))
        model = _build(images.shape[3], classes)
    size = min(_BATCH, max(16, len(rows) // 20))
    steps = epochs * -(-len(rows) // size)
    optimizer = torch.optim.SGD(model.parameters(), lr=_RATE, momentum=0.9, nesterov=True, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps, pct_start=0.2)
    loss_of = nn.CrossEntropyLoss(label_smoothing=_SMOOTHING)
    model.train()
    for epoch in range(epochs):
        generator = np.random.default_rng(derive(seed, "order", epoch=epoch))
        order = generator.permutation(len(rows))
        for start in range(0, len(order) - 1, size):
            some = order[start : start + size]
            inputs = _moved(_block(images, rows[some]), generator)
            loss = loss_of(model(inputs), torch.from_numpy(targets[some]))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return model


def _block(images: Array, rows: Array) -> Any:
    """Return some images as (n, C, H, W) numbers around 0, downsampled to at most 40 x 40 pixels."""
    import torch
    from torch.nn import functional as F

    every = -(-max(images.shape[1:3]) // _LARGEST)
    block = torch.from_numpy(np.ascontiguousarray(images[rows])).permute(0, 3, 1, 2).float() / 64 - 2
    return F.avg_pool2d(block, every) if every > 1 else block


def _moved(block: Any, generator: np.random.Generator) -> Any:
    """Shift the whole batch by up to three pixels, and mirror a random half of it."""
    import torch

    y, x = (int(step) for step in generator.integers(-_SHIFT, _SHIFT + 1, 2))
    moved = torch.roll(block, (y, x), dims=(2, 3))
    mirrored = torch.from_numpy(generator.random(len(block)) < 0.5)
    return torch.where(mirrored[:, None, None, None], moved.flip(3), moved)


def _judge(model: Any, images: Array, *, rows: Array) -> Array:
    import torch

    model.eval()

    def blocks() -> Iterator[Any]:
        with torch.inference_mode():
            for start in range(0, len(rows), 4 * _BATCH):
                block = _block(images, rows[start : start + 4 * _BATCH])
                yield (model(block).softmax(1) + model(block.flip(3)).softmax(1)) / 2

    found: Array = torch.cat(list(blocks())).double().numpy()
    return found
