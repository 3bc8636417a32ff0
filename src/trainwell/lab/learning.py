"""Small training sessions on pictures, for experiments that need one."""

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
from trainwell.recipe.sections import DataRecipe


class Pictures(NamedTuple):
    """Pictures to train on and pictures held out, standardised by the first.

    Args:
        inputs: (N, channels, height, width) float.
        targets: (N,) int.
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
        """Shape of one picture."""
        return tuple(self.inputs.shape[1:])


def pictures(conditions: Conditions, *, train: int, held: int = 400) -> Pictures:
    """Draw pictures from the data of the conditions.

    Raises:
        DataError: if the data are no pictures with classes, or too few.
    """
    examples = read(DataRecipe(source=conditions.data))
    if not examples.kind.is_spatial or examples.class_numbers is None:
        raise DataError(
            f"The experiment needs pictures with classes, got {examples.kind.description}. Give digits or idx files."
        )
    if len(examples) < train + held:
        raise DataError(f"The experiment needs {train + held:,} pictures, got {len(examples):,}. Give more.")
    chosen = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))[: train + held]
    inputs = torch.from_numpy(examples.inputs[chosen.numpy()]).movedim(-1, 1).float()
    targets = torch.from_numpy(examples.targets[chosen.numpy()])
    inputs = (inputs - inputs[:train].mean()) / inputs[:train].std()
    name = Path(conditions.data).name
    remark = f"Trained on {train:,} pictures of {name}, judged on {held:,} others."
    return Pictures(inputs[:train], targets[:train], inputs[train:], targets[train:], remark)


def dense(sizes: Sequence[int], activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Build fully connected layers of these sizes, with a non-linearity between them; pictures are flattened.

    >>> [type(layer).__name__ for layer in dense([4, 3, 2])]
    ['Flatten', 'Linear', 'ReLU', 'Linear']
    """
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def learn(
    model: nn.Module,
    data: Pictures,
    optimizer: torch.optim.Optimizer,
    *,
    steps: int,
    batch: int = 64,
    after: Callable[[int], None] | None = None,
    change: Callable[[Tensor], Tensor] | None = None,
) -> list[float]:
    """Train a network, epoch by epoch in a random order, and return the loss of every step.

    Args:
        model: returns (batch, classes), unnormalised.
        data: what to learn.
        optimizer: over the network's parameters.
        steps: number of batches.
        batch: pictures in each; a rest at the end of an epoch is left out.
        after: called with the number of the step behind it, from 1.
        change: what happens to the pictures of a batch first (augmentation).
    """
    order, losses, size = torch.Generator().manual_seed(1), [], min(batch, len(data.inputs))
    queue = torch.empty(0, dtype=torch.long)
    for step in range(1, steps + 1):
        if len(queue) < size:
            queue = torch.randperm(len(data.inputs), generator=order)
        now, queue = queue[:size], queue[size:]
        inputs = data.inputs[now]
        loss = F.cross_entropy(model(change(inputs) if change else inputs), data.targets[now])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        if after:
            after(step)
    return losses


def judge(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Return the loss and the accuracy of a network in evaluation mode, which it leaves again."""
    training = model.training
    model.eval()
    with torch.no_grad():
        outputs = model(inputs)
    model.train(training)
    return F.cross_entropy(outputs, targets).item(), (outputs.argmax(1) == targets).float().mean().item()
