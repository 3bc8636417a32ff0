"""Batches in an order that depends on (seed, epoch) alone.

Gathering 64 rows at a time costs more than the forward pass of a small network. Here rows are gathered in blocks of
many batches, and each batch is a view of its block: about 5 microseconds per step.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from trainwell.core.batch import Batch
from trainwell.core.errors import DataError, ShapeError
from trainwell.core.seeds import derive

_END = object()
Indices = NDArray[np.int64]
Collate = Callable[[Indices], Batch]


@dataclass(frozen=True)
class Collated:
    """A source of examples of different lengths.

    Args:
        collate: makes a batch from (batch,) indices of examples.
        lengths: (examples,) positions of each. A shuffled epoch batches examples of similar lengths together, so that
            little is padding; the order stays a function of (seed, epoch). None: lengths are not known.
    """

    collate: Collate
    lengths: Indices | None = None


# Bytes gathered at once: large enough to make the cost of a call negligible, small enough to stay in the caches.
_BLOCK_BYTES = 1 << 21
_BLOCK_COLLATED = 8  # batches in a block where each is collated
_BUCKET = 50  # batches whose examples are sorted by length together: more means less padding and less randomness


@final
class ArrayBatches:
    """Batches from tensors, arrays or memory-mapped files, or from a function that makes one from example numbers.

    The last batch may be smaller; if it had a single example it is merged into the one before, because
    batch normalisation needs at least two.

    Args:
        source: tensors or numpy arrays by name ("inputs", "targets", ...) with the example as first axis; or, for
            ragged data, a function from (batch,) example numbers to a `Batch` (see `ragged`), or a `Collated`.
        indices: indices of the examples to use; None: all.
        batch_size: examples per batch.
        seed: seed of the run.
        shuffle: a new order in every epoch; False keeps the order of `indices`.
        finish: applied to every batch, e.g. to convert pixels to floats; it must not draw random numbers.
        workers: threads that prefetch blocks; never changes a result.

    >>> batches = ArrayBatches({"inputs": torch.arange(5), "targets": torch.arange(5)}, batch_size=2)
    >>> [batch.inputs.tolist() for batch in batches.epoch(0)]
    [[0, 1], [2, 3, 4]]
    """

    def __init__(
        self,
        source: Mapping[str, Tensor | NDArray[Any]] | Collate | Collated,
        *,
        batch_size: int,
        indices: Indices | None = None,
        seed: int = 0,
        shuffle: bool = False,
        finish: Callable[[Batch], Batch] | None = None,
        workers: int = 0,
    ) -> None:
        self._collate: Collate | None = None
        self._lengths: Indices | None = None
        self._tensors: Mapping[str, Tensor | NDArray[Any]] = {}
        if isinstance(source, Collated):
            self._collate = source.collate
            self._lengths = source.lengths
        elif callable(source):
            self._collate = source
        else:
            self._tensors = {name: _tensor(values) for name, values in source.items()}
        lengths = {name: len(values) for name, values in self._tensors.items()}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"Tensors of a batch must have the same length, got {lengths}.")
        if indices is None:
            if not lengths:
                raise ShapeError("A collating source needs the indices of the examples. Pass indices=.")
            indices = np.arange(next(iter(lengths.values())))
        if not len(indices):
            raise ShapeError("Batches need at least one example, got none.")
        self._indices = np.ascontiguousarray(indices, dtype=np.int64)
        self._size = batch_size
        self._seed = seed
        self._shuffle = shuffle
        self._finish = finish
        self._workers = workers
        row = sum(values.nbytes // max(len(values), 1) for values in self._tensors.values())
        self._per_block = max(1, _BLOCK_BYTES // max(1, row * batch_size)) if self._tensors else _BLOCK_COLLATED

    def __len__(self) -> int:
        full, rest = divmod(len(self._indices), self._size)
        return full + (rest > 0 and not (rest == 1 and full))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from position `start`, on the CPU."""
        order = self._order(epoch)
        bounds = [*range(0, len(self) * self._size, self._size), len(order)]
        blocks = (bounds[i : i + self._per_block + 1] for i in range(start, len(self), self._per_block))
        make = [(order, block) for block in blocks]
        if not self._workers:
            for part in make:
                yield from self._block(*part)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            ahead: deque[Future[list[Batch]]] = deque()
            try:
                for part in make:
                    ahead.append(pool.submit(self._block, *part))
                    if len(ahead) > self._workers:
                        yield from ahead.popleft().result()
                while ahead:
                    yield from ahead.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _order(self, epoch: int) -> Indices:
        if not self._shuffle:
            return self._indices
        random = np.random.default_rng(derive(self._seed, "order", epoch=epoch))
        order = random.permutation(self._indices)
        return order if self._lengths is None else self._bucketed(order, self._lengths[order], random=random)

    def _bucketed(self, order: Indices, lengths: Indices, *, random: np.random.Generator) -> Indices:
        """Sort neighbourhoods of an order by length, then shuffle the batches; the last one stays last if it is small.

        Args:
            order: shuffled example numbers.
            lengths: of each of them.
            random: of this epoch.
        """
        place = np.arange(len(order)) // (_BUCKET * self._size)
        ordered = order[np.lexsort((lengths, place))]
        full = len(ordered) // self._size
        batches = ordered[: full * self._size].reshape(full, self._size)
        return np.concatenate([batches[random.permutation(full)].reshape(-1), ordered[full * self._size :]])

    def _block(self, order: Indices, bounds: Sequence[int]) -> list[Batch]:
        """Make the batches between consecutive bounds."""
        if self._collate:
            made = [self._collate(order[low:high]) for low, high in itertools.pairwise(bounds)]
        else:
            chosen = order[bounds[0] : bounds[-1]]
            sizes = [high - low for low, high in itertools.pairwise(bounds)]
            columns = [torch.split(_take(values, chosen), sizes) for values in self._tensors.values()]
            names = tuple(self._tensors)
            made = [Batch(dict(zip(names, views, strict=True))) for views in zip(*columns, strict=True)]
        return [self._finish(batch) for batch in made] if self._finish else made


def ragged(inputs: Sequence[Tensor | NDArray[Any]], targets: Tensor | NDArray[Any]) -> Collate:
    """Return a function that pads examples of different length to a batch and masks the padding.

    Args:
        inputs: for each example (length, ...).
        targets: (N, ...).

    >>> batch = ragged([np.ones(2), np.ones(3)], np.array([0, 1]))(np.array([0, 1]))
    >>> batch.inputs.shape, batch.mask
    (torch.Size([2, 3]), tensor([[ True,  True, False],
            [ True,  True,  True]]))
    """
    all_targets = torch.as_tensor(targets)

    def collate(chosen: Indices) -> Batch:
        rows = [torch.as_tensor(inputs[i]) for i in chosen]
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        padded = pad_sequence(rows, batch_first=True)
        return Batch({"inputs": padded, "targets": all_targets[torch.from_numpy(chosen)], "mask": mask})

    return collate


@final
class LoaderBatches:
    """Batches from a torch DataLoader, or from anything that can be iterated repeatedly.

    Before an epoch starts, torch's, numpy's and Python's global generators (and the loader's own, if it
    has one) are seeded with f(seed, epoch), and before each fetch with f(seed, epoch, position); afterwards the
    caller's generators have the state they had before. So order and random transforms are a function of (seed, epoch,
    position). Resuming at `start` fetches and discards the batches before. With worker processes, random transforms
    also depend on their number; with persistent workers, on earlier epochs: such a run does not resume exactly.

    Args:
        loader: yields (inputs, targets) pairs, mappings with "inputs" and "targets", or batches.
        seed: seed of the run.
    """

    def __init__(self, loader: Iterable[Any], *, seed: int = 0) -> None:
        self._loader = loader
        self._seed = seed

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type]  # a loader without a length raises its own error

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from position `start`."""
        first = derive(self._seed, "order", epoch=epoch)
        self._prepare(epoch, first)
        with _seeded(first):
            fetched = iter(self._loader)
        promised = len(self)
        for position in itertools.count():
            with _seeded(derive(self._seed, "fetch", epoch=epoch, step=position)):
                item = next(fetched, _END)
            if (item is _END) != (position == promised):
                got = position if item is _END else "more"
                raise DataError(
                    f"A loader must yield as many batches as its length, {promised}, got {got}. "
                    "Correct its __len__, or its sampler."
                )
            if item is _END:
                return
            if position >= start:
                yield as_batch(item)

    def _prepare(self, epoch: int, seed: int) -> None:
        """Reseed the generators of the loader, and set the epoch of samplers for distributed training."""
        samplers = [getattr(self._loader, name, None) for name in ("sampler", "batch_sampler")]
        for owner in (self._loader, *samplers):
            if isinstance(generator := getattr(owner, "generator", None), torch.Generator):
                generator.manual_seed(seed)
            if callable(set_epoch := getattr(owner, "set_epoch", None)):
                set_epoch(epoch)


def as_batch(item: Any) -> Batch:
    """Convert an item of a loader to a batch.

    Args:
        item: a `Batch`, an (inputs, targets) pair, or a mapping with "inputs" and "targets".
    Raises:
        DataError: for anything else.

    >>> as_batch((torch.zeros(2, 3), torch.zeros(2))).names()
    ('inputs', 'targets')
    """
    if isinstance(item, Batch):
        return item
    if isinstance(item, Mapping) and {"inputs", "targets"} <= item.keys():
        return Batch({name: torch.as_tensor(value) for name, value in item.items()})
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return Batch({"inputs": torch.as_tensor(item[0]), "targets": torch.as_tensor(item[1])})
    got = f"the keys {', '.join(map(repr, item))}" if isinstance(item, Mapping) else type(item).__name__
    length = f" of {len(item)}" if isinstance(item, (tuple, list)) else ""
    raise DataError(
        f"A loader must yield (inputs, targets) pairs, mappings with 'inputs' and 'targets', or batches, got {got}"
        f"{length}. Wrap it in a generator class that yields one of these."
    )


def _tensor(values: Tensor | NDArray[Any]) -> Tensor | NDArray[Any]:
    """Share memory with a plain array; memory-mapped and read-only arrays stay numpy's, which copies on gathering."""
    if isinstance(values, np.ndarray) and values.flags.writeable and not isinstance(values, np.memmap):
        return torch.from_numpy(values)
    return values


def _take(values: Tensor | NDArray[Any], rows: Indices) -> Tensor:
    if isinstance(values, np.ndarray):
        return torch.from_numpy(values[rows])
    return values.index_select(0, torch.from_numpy(rows))


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the three global generators of the CPU inside the block and restore them after it."""
    before = torch.default_generator.get_state(), np.random.get_state(), random.getstate()
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before[0])
        np.random.set_state(before[1])
        random.setstate(before[2])
