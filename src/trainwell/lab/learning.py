"""Small training sessions on images, repeated over seeds, for experiments that need one.

What a network this small costs is overhead. So the networks of all seeds are trained side by side: their weights are
stacked along a first axis, and one program computes them all. Each has its own data split, initial weights and order
of the batches; none sees another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.errors import DataError
from trainwell.data import read
from trainwell.lab.result import Conditions
from trainwell.nn import initialise
from trainwell.recipe.sections import DataRecipe


class Images(NamedTuple):
    """Images to train on and images held out, drawn anew for every seed, standardised by the first.

    Args:
        inputs: (seeds, N, channels, height, width) float.
        targets: (seeds, N) int.
        held_inputs: of the same shape, never trained on.
        held_targets: their classes.
        remark: what they are, in a sentence.
    """

    inputs: Tensor
    targets: Tensor
    held_inputs: Tensor
    held_targets: Tensor
    remark: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image."""
        return tuple(self.inputs.shape[2:])

    @property
    def features(self) -> int:
        """Number of pixels of one image, channels included."""
        return self.inputs[0, 0].numel()


def images(conditions: Conditions, *, train: int, held: int = 400) -> Images:
    """Draw images from the data of the conditions, once for every seed.

    Raises:
        DataError: if the data are no images with classes, or too few.
    """
    examples = read(DataRecipe(source=conditions.data))
    if not examples.kind.is_spatial or examples.class_numbers is None:
        raise DataError(
            f"The experiment needs images with classes, got {examples.kind.description}. Give digits or idx files."
        )
    if len(examples) < train + held:
        raise DataError(f"The experiment needs {train + held:,} images, got {len(examples):,}. Give more.")
    draws = [
        torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))[: train + held]
        for seed in range(conditions.seeds)
    ]
    chosen = torch.stack(draws).numpy()
    inputs = torch.from_numpy(examples.inputs[chosen]).movedim(-1, 2).float()
    targets = torch.from_numpy(examples.targets[chosen])
    known = inputs[:, :train].flatten(1)
    each = (-1, 1, 1, 1, 1)
    inputs = (inputs - known.mean(1).view(each)) / known.std(1).view(each)
    name = Path(conditions.data).name
    remark = f"Trained on {train:,} images of {name}, scored on {held:,} others; a new split for every seed."
    return Images(inputs[:, :train], targets[:, :train], inputs[:, train:], targets[:, train:], remark)


class StackedLinear(nn.Module):
    """The linear layers of several networks, computed as one batched matrix product.

    Args:
        layers: one layer for each network, all of one shape, with biases.
    """

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (networks, batch, in) to (networks, batch, out)."""
        return torch.baddbmm(self.bias[:, None], inputs, self.weight.transpose(1, 2))


class StackedNorm(nn.Module):
    """A normalisation of the features of several networks: each has its own channels, so none sees another.

    Args:
        norm: for (batch, networks * features).
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise (networks, batch, features)."""
        networks, batch, features = inputs.shape
        flat = inputs.transpose(0, 1).reshape(batch, networks * features)
        normalised: Tensor = self.norm(flat)
        return normalised.view(batch, networks, features).transpose(0, 1)


def linear(seeds: int, inputs: int, *, outputs: int) -> StackedLinear:
    """Build one linear layer for every seed, with PyTorch's initialisation under that seed."""
    return StackedLinear([nn.Linear(inputs, outputs) for _ in range(seeds)])


def dense(
    sizes: Sequence[int], *, seeds: int, activation: Callable[[], nn.Module] = nn.ReLU, start: str = ""
) -> nn.Sequential:
    """Build one network of fully connected layers for every seed, with a non-linearity between the layers.

    Args:
        sizes: numbers of inputs, of hidden units and of outputs; images are flattened.
        seeds: number of networks; network k is initialised under seed k.
        activation: makes the non-linearity.
        start: name of an initialisation; PyTorch's own where empty.
    Returns:
        a module that maps (seeds, batch, channels, height, width) to (seeds, batch, classes).

    >>> [type(layer).__name__ for layer in dense([4, 3, 2], seeds=2)]
    ['Flatten', 'StackedLinear', 'ReLU', 'StackedLinear']
    """
    networks = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        network = nn.Sequential(*(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)))
        if start:
            initialise(network, start, seed=seed)
        networks.append(network)
    layers: list[nn.Module] = [nn.Flatten(2)]
    for same in zip(*networks, strict=True):
        layers += [StackedLinear(same), activation()]
    return nn.Sequential(*layers[:-1])


def hidden_weights(model: nn.Sequential) -> list[nn.Parameter]:
    """Return the weights, (seeds, out, in), of every linear layer."""
    return [layer.weight for layer in model if isinstance(layer, StackedLinear)]


def train(
    model: nn.Module,
    data: Images,
    *,
    optimizer: torch.optim.Optimizer,
    steps: int,
    batch: int = 64,
    after: Callable[[int], None] | None = None,
    change: Callable[[Tensor], Tensor] | None = None,
) -> list[list[float]]:
    """Train the networks of all seeds, epoch by epoch, each in a random order of its own.

    Args:
        model: maps (seeds, batch, ...) to (seeds, batch, classes), unnormalised.
        data: what to learn.
        optimizer: over the networks' parameters; it must treat every weight alone, as SGD and Adam do.
        steps: number of batches.
        batch: images in each; a rest at the end of an epoch is left out.
        after: called with the number of the step that is done, from 1.
        change: applied to the images of a batch first (augmentation).
    Returns:
        the training loss of every step, one list for each seed, in nats.
    """
    seeds, count = data.targets.shape
    orders = [torch.Generator().manual_seed(1 + seed) for seed in range(seeds)]
    rows = torch.arange(seeds)[:, None]
    size = min(batch, count)
    queue = torch.empty(seeds, 0, dtype=torch.long)
    losses = []
    for step in range(1, steps + 1):
        if queue.shape[1] < size:
            queue = torch.stack([torch.randperm(count, generator=order) for order in orders])
        now = queue[:, :size]
        queue = queue[:, size:]
        inputs = data.inputs[rows, now]
        loss = cross_entropy(model(change(inputs) if change else inputs), data.targets[rows, now])
        optimizer.zero_grad()
        loss.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.detach())
        if after:
            after(step)
    found: list[list[float]] = torch.stack(losses, 1).tolist()
    return found


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of every network, (seeds,), in nats.

    Args:
        outputs: (seeds, batch, classes), unnormalised.
        targets: (seeds, batch) int.
    """
    return F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), reduction="none").view(targets.shape).mean(1)


def evaluate(model: nn.Module, inputs: Tensor, *, targets: Tensor) -> tuple[list[float], list[float]]:
    """Return the loss and the accuracy of every network in evaluation mode; the mode is restored.

    Args:
        model: maps (seeds, N, ...) to (seeds, N, classes).
        inputs: (seeds, N, channels, height, width).
        targets: (seeds, N).
    """
    training = model.training
    model.eval()
    with torch.no_grad():
        outputs = model(inputs)
    model.train(training)
    return cross_entropy(outputs, targets).tolist(), (outputs.argmax(2) == targets).float().mean(1).tolist()


def transposed(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """Turn values by time and seed into one list by time for each seed.

    >>> transposed([[1, 2], [3, 4], [5, 6]])
    [[1, 3, 5], [2, 4, 6]]
    """
    return [list(column) for column in zip(*rows, strict=True)]
