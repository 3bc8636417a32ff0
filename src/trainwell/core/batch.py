"""A batch: a small frozen structure of named tensors.

`inputs` and `targets` are always there; `mask` marks what counts (padding does not) and `weights`
says how much each example counts. A data source may add any further tensors under names of its own
(boxes, lengths): the loop, the probes and the rules never need to know them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from trainwell.core.facts import InputFacts

_NUMBERS = 1 << 22  # of inputs at once: 27 images of 3x224x224, whose volumes in VGG-16 take 1 GiB


def examples_at_once(shape: Sequence[int], *, most: int) -> int:
    """Return how many examples to evaluate together: `most`, and fewer of large images, to bound the memory.

    >>> examples_at_once((3, 32, 32), most=1024), examples_at_once((3, 224, 224), most=1024)
    (1024, 27)
    """
    return max(1, min(most, _NUMBERS // max(1, math.prod(shape))))


class Batch:
    """Named tensors that share their first axis, the example.

    Args:
        tensors: tensors by name; "inputs" and "targets" are required, every first axis has the same length.

    >>> import torch
    >>> batch = Batch({"inputs": torch.zeros(5, 3), "targets": torch.arange(5)})
    >>> len(batch), batch.inputs.shape, batch.mask is None
    (5, torch.Size([5, 3]), True)
    >>> [(len(part), share) for part, share in batch.parts(2)]
    [(2, 0.4), (3, 0.6)]
    """

    __slots__ = ("_tensors",)
    _tensors: Mapping[str, Tensor]

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        object.__setattr__(self, "_tensors", tensors)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a batch is frozen: build a new one with replace({name}=...)")

    @property
    def inputs(self) -> Tensor:
        """What the network sees, (batch, ...)."""
        return self._tensors["inputs"]

    @property
    def targets(self) -> Tensor:
        """What it should answer, (batch, ...)."""
        return self._tensors["targets"]

    @property
    def mask(self) -> Tensor | None:
        """(batch, length) bool, True where a position counts and False for padding; None if all count."""
        return self._tensors.get("mask")

    @property
    def weights(self) -> Tensor | None:
        """(batch,) or (batch, length) float, how much each example or position counts; None if all count alike."""
        return self._tensors.get("weights")

    def weight(self) -> float:
        """Return how much the batch counts in a mean over examples: the sum of `weights`, or the number of examples."""
        return float(len(self)) if self.weights is None else float(self.weights.sum())

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __len__(self) -> int:
        return len(self._tensors["inputs"])

    def names(self) -> tuple[str, ...]:
        """Return the names of the tensors."""
        return tuple(self._tensors)

    def replace(self, **tensors: Tensor) -> Batch:
        """Return a batch with some tensors replaced or added."""
        return Batch({**self._tensors, **tensors})

    def to(self, device: torch.device | str) -> Batch:
        """Return the batch on a device; the copy overlaps with computation where memory is pinned."""
        return Batch({name: tensor.to(device, non_blocking=True) for name, tensor in self._tensors.items()})

    def slice(self, start: int, stop: int) -> Batch:
        """Return examples start to stop (excluded) as views."""
        return Batch({name: tensor[start:stop] for name, tensor in self._tensors.items()})

    def parts(self, size: int, weigh: Callable[[Batch], float] | None = None) -> Iterator[tuple[Batch, float]]:
        """Yield micro-batches of about `size` examples, each with its share of the batch's weight.

        The shares add up to 1, so that the shares times the parts' mean losses add up to the batch's mean loss.
        A part that does not count at all is left out. A last part of a single example joins the one before,
        because batch normalisation has no variance of one.

        Args:
            size: examples of a part.
            weigh: how much a batch counts in the mean that the loss is, see `Task.weight`; None: see `weight`.
        """
        if len(self) <= size:
            yield self, 1.0
            return
        starts = list(range(0, len(self), size))
        if size > 1 and len(self) - starts[-1] == 1:
            starts.pop()
        weigh = weigh or Batch.weight
        whole = weigh(self)
        for start, stop in itertools.pairwise([*starts, len(self)]):
            part = self.slice(start, stop)
            if share := weigh(part) / whole:
                yield part, share


def facts_of(batch: Batch) -> InputFacts:
    """Return what is known of the examples of a batch that a user made.

    >>> import torch
    >>> facts_of(Batch({"inputs": torch.zeros(2, 7, dtype=torch.int64), "targets": torch.zeros(2)}))
    InputFacts(shape=(7,), vocabulary=1, max_length=0, per_position=False, causal=False)
    """
    from trainwell.core.facts import InputFacts

    inputs = batch.inputs
    is_number = inputs.is_floating_point() or inputs.is_complex()
    return InputFacts(
        shape=tuple(inputs.shape[1:]),
        vocabulary=0 if is_number else int(inputs.max()) + 1,
        max_length=0 if batch.mask is None else batch.mask.shape[1],
    )


def blank(facts: InputFacts, size: int, *, device: str = "cpu") -> Batch:
    """Return a batch of empty examples, to trace the shapes and the cost of a network.

    Args:
        facts: of one prepared example.
        size: number of examples.
        device: where the tensors lie; "meta" holds no numbers.

    >>> from trainwell.core.facts import InputFacts
    >>> blank(InputFacts((3, 32, 32)), 2).inputs.shape
    torch.Size([2, 3, 32, 32])
    """
    import torch

    numbers = torch.int64 if facts.vocabulary else torch.float32
    tensors = {
        "inputs": torch.zeros((size, *facts.shape), dtype=numbers, device=device),
        "targets": torch.zeros(size, dtype=torch.int64, device=device),
    }
    if facts.max_length:
        tensors["mask"] = torch.ones((size, facts.max_length), dtype=torch.bool, device=device)
    return Batch(tensors)
