from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from trainwell.core.batch import Batch
from trainwell.core.errors import DataError, ShapeError
from trainwell.data import batches as module
from trainwell.data.batches import ArrayBatches, Collated, LoaderBatches, as_batch, ragged
from trainwell.data.prepare import Preparation
from trainwell.data.sources import BUNDLED
from trainwell.recipe.sections import DataRecipe


def toy(size: int = 103, **options: object) -> ArrayBatches:
    tensors = {"inputs": torch.arange(size * 2.0).reshape(size, 2), "targets": torch.arange(size)}
    return ArrayBatches(tensors, **{"batch_size": 10, "seed": 3, "shuffle": True, **options})  # type: ignore[arg-type]


def order(batches: Iterator[Batch]) -> list[list[int]]:
    return [batch.targets.tolist() for batch in batches]


@pytest.mark.parametrize(
    ("size", "batch_size", "sizes"),
    [
        (20, 10, [10, 10]),
        (23, 10, [10, 10, 3]),
        (21, 10, [10, 11]),
        (1, 10, [1]),
        (3, 1, [1, 1, 1]),
        (5, 100, [5]),
        (11, 10, [11]),
    ],
)
def test_the_last_batch_is_kept_unless_it_is_a_single_example(size: int, batch_size: int, sizes: list[int]) -> None:
    batches = toy(size, batch_size=batch_size)
    assert [len(batch) for batch in batches.epoch(0)] == sizes
    assert len(batches) == len(sizes)


def test_an_epoch_holds_every_example_once_with_its_own_target() -> None:
    found = list(toy().epoch(0))
    assert sorted(sum((batch.targets.tolist() for batch in found), [])) == list(range(103))
    assert all((batch.inputs[:, 0] == 2 * batch.targets).all() for batch in found)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    first = order(toy().epoch(1))
    assert order(toy().epoch(1)) == first
    assert order(toy().epoch(2)) != first
    assert order(toy(seed=4).epoch(1)) != first
    used = toy()
    list(used.epoch(0))
    assert order(used.epoch(1)) == first


def test_without_shuffling_the_order_is_that_of_the_indices() -> None:
    assert order(toy(shuffle=False, indices=np.array([7, 3, 5])).epoch(9)) == [[7, 3, 5]]


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("start", [0, 1, 5, 10, 11])
def test_starting_later_skips_and_changes_nothing(start: int, workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = order(toy().epoch(1))
    monkeypatch.setattr(module, "_BLOCK_BYTES", 500)  # a few batches per block
    assert order(toy(workers=workers).epoch(1, start=start)) == whole[start:]


def test_stopping_early_leaves_no_thread_behind() -> None:
    import threading

    before = threading.active_count()
    iterator = toy(workers=2).epoch(0)
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_a_failing_worker_raises_in_the_loop() -> None:
    def fail(batch: Batch) -> Batch:
        raise DataError("broken")

    with pytest.raises(DataError, match="broken"):
        list(toy(workers=2, finish=fail).epoch(0))


@pytest.mark.parametrize("kind", ["array", "memmap", "read-only", "tensor"])
def test_arrays_and_mapped_files_give_the_same(kind: str, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
    np.save(tmp_path / "x.npy", numbers)
    read_only = numbers.copy()
    read_only.flags.writeable = False
    source = {
        "array": numbers,
        "memmap": np.load(tmp_path / "x.npy", mmap_mode="r"),
        "read-only": read_only,
        "tensor": torch.from_numpy(numbers),
    }[kind]
    batches = ArrayBatches({"inputs": source, "targets": np.arange(50)}, batch_size=8, shuffle=True, seed=1)
    for batch in batches.epoch(0):
        np.testing.assert_array_equal(batch.inputs, numbers[batch.targets])
        assert batch.targets.dtype == torch.int64


def test_finish_is_applied_to_every_batch() -> None:
    doubled = toy(finish=lambda batch: batch.replace(targets=batch.targets * 2))
    assert order(doubled.epoch(0)) == [[2 * target for target in batch] for batch in order(toy().epoch(0))]


def test_ragged_examples_are_padded_and_masked() -> None:
    rows = [np.full((length, 2), length, np.float32) for length in (3, 1, 4, 2, 2)]
    batches = ArrayBatches(ragged(rows, np.arange(5)), indices=np.arange(5), batch_size=2, shuffle=True, workers=1)
    seen = []
    for batch in batches.epoch(0):
        assert batch.mask is not None
        assert batch.inputs.shape[:2] == batch.mask.shape
        for inputs, mask, target in zip(batch.inputs, batch.mask, batch.targets, strict=True):
            assert torch.equal(inputs[mask], torch.from_numpy(rows[target]))
            assert (inputs[~mask] == 0).all()
            seen.append(int(target))
    assert sorted(seen) == list(range(5))


def test_what_makes_no_batches() -> None:
    with pytest.raises(ShapeError, match=r"same length, got \{'inputs': 2, 'targets': 3\}"):
        ArrayBatches({"inputs": torch.zeros(2), "targets": torch.zeros(3)}, batch_size=1)
    with pytest.raises(ShapeError, match="at least one example"):
        toy(indices=np.array([], dtype=np.int64))
    with pytest.raises(ShapeError, match="Pass indices="):
        ArrayBatches(ragged([], np.zeros(0)), batch_size=1)


def test_an_epoch_costs_no_more_than_slices_by_hand() -> None:
    tensors = {"inputs": torch.zeros(60_000, 64), "targets": torch.zeros(60_000, dtype=torch.int64)}
    batches = ArrayBatches(tensors, batch_size=64, shuffle=True)

    def by_hand() -> list[tuple[torch.Tensor, ...]]:
        order = torch.randperm(60_000).split(64)
        return [tuple(tensor[rows] for tensor in tensors.values()) for rows in order]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        pairs = [(_seconds(lambda: list(batches.epoch(0))), _seconds(by_hand)) for _ in range(8)]
    finally:
        torch.set_num_threads(threads)
    assert min(ours for ours, _ in pairs) < 3 * min(hand for _, hand in pairs)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


class Noisy(Dataset[tuple[torch.Tensor, int]]):
    """A data set whose items draw from all three generators."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.tensor([torch.rand(()).item(), np.random.rand(), random.random()], dtype=torch.float64), index


def drawn(batches: LoaderBatches, epoch: int, start: int = 0) -> list[tuple[list[list[float]], list[int]]]:
    return [(batch.inputs.tolist(), batch.targets.tolist()) for batch in batches.epoch(epoch, start)]


@pytest.mark.parametrize("own_generator", [False, True])
def test_a_loader_is_a_function_of_seed_and_epoch(own_generator: bool) -> None:
    def new() -> LoaderBatches:
        generator = torch.Generator() if own_generator else None
        return LoaderBatches(DataLoader(Noisy(), batch_size=6, shuffle=True, generator=generator), seed=5)

    first = drawn(new(), 1)
    used = new()
    drawn(used, 0)
    torch.manual_seed(99)
    np.random.seed(99)
    random.seed(99)
    assert drawn(used, 1) == first
    assert drawn(used, 1, start=2) == first[2:]
    assert drawn(used, 2) != first
    assert len(used) == 4


def test_a_loader_leaves_the_callers_generators_alone() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    expected = torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    drawn(LoaderBatches(DataLoader(Noisy(), batch_size=6, shuffle=True)), 0)
    assert (torch.rand(3).tolist(), np.random.rand(3).tolist(), random.random()) == expected


def test_a_loader_with_worker_processes_repeats_itself() -> None:
    loader = DataLoader(TensorDataset(torch.arange(12.0), torch.arange(12)), batch_size=4, shuffle=True, num_workers=1)
    batches = LoaderBatches(loader, seed=2)
    first = [batch.targets.tolist() for batch in batches.epoch(0)]
    assert [batch.targets.tolist() for batch in batches.epoch(0, start=1)] == first[1:]


def test_samplers_of_distributed_training_learn_the_epoch() -> None:
    class Sampler(torch.utils.data.Sampler[int]):
        epochs: list[int] = []

        def set_epoch(self, epoch: int) -> None:
            self.epochs.append(epoch)

        def __iter__(self) -> Iterator[int]:
            return iter(range(4))

        def __len__(self) -> int:
            return 4

    sampler = Sampler()
    list(LoaderBatches(DataLoader(TensorDataset(torch.zeros(4), torch.zeros(4)), sampler=sampler)).epoch(7))
    assert sampler.epochs == [7]


@pytest.mark.parametrize(
    "item",
    [
        (np.zeros((2, 3)), [0, 1]),
        [torch.zeros(2, 3), torch.zeros(2)],
        {"inputs": torch.zeros(2, 3), "targets": torch.zeros(2)},
        Batch({"inputs": torch.zeros(2, 3), "targets": torch.zeros(2)}),
    ],
)
def test_what_a_loader_may_yield(item: object) -> None:
    assert as_batch(item).inputs.shape == (2, 3)


@pytest.mark.parametrize(
    ("item", "got"),
    [((1, 2, 3), "got tuple of 3"), ({"x": 1, "y": 2}, "got the keys 'x', 'y'"), (torch.zeros(2), "got Tensor")],
)
def test_what_a_loader_may_not_yield(item: object, got: str) -> None:
    with pytest.raises(DataError, match=got):
        as_batch(item)


def test_digits_in_batches() -> None:
    examples = BUNDLED["digits"]()
    prepared = Preparation.fit(examples, np.arange(1000), recipe=DataRecipe())
    batches = ArrayBatches({"inputs": prepared.inputs(examples.inputs), "targets": examples.targets}, batch_size=64)
    assert next(iter(batches.epoch(0))).inputs.shape == (64, 1, 8, 8)


@pytest.mark.parametrize(("length", "items"), [(5, 4), (3, 4)])
def test_a_loader_that_lies_about_its_length_is_refused(length, items) -> None:
    class Lying(list):
        def __len__(self):
            return length

    loader = Lying([(torch.zeros(2, 1), torch.zeros(2))] * items)
    with pytest.raises(DataError, match=f"as its length, {length}"):
        list(LoaderBatches(loader).epoch(0))


def test_batches_of_similar_lengths_hold_every_example_once_and_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 100, 1003)

    def collate(rows: np.ndarray) -> Batch:
        return Batch({"inputs": torch.from_numpy(lengths[rows]), "targets": torch.from_numpy(rows)})

    batches = ArrayBatches(Collated(collate, lengths), batch_size=10, indices=np.arange(1003), shuffle=True, seed=3)
    epochs = [[batch.targets.tolist() for batch in batches.epoch(epoch)] for epoch in (0, 1)]
    for epoch in epochs:
        assert sorted(itertools.chain(*epoch)) == list(range(1003)) and len(epoch) == len(batches)
    assert epochs[0] != epochs[1]
    again = [batch.targets.tolist() for batch in batches.epoch(0, start=40)]
    assert again == epochs[0][40:]  # the order is a function of (seed, epoch): a resumed epoch goes on with it
    spread = np.mean([np.ptp(lengths[batch]) for batch in epochs[0][:-1]])
    assert spread < 10  # 81 without sorting
    firsts = [lengths[batch[0]] for batch in epochs[0]]
    assert firsts != sorted(firsts)
