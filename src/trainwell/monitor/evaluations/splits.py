"""Compares the examples a network is trained on with those it is evaluated on."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor

_MOST_ROWS = 100_000  # hashes of examples that are kept of a training
_MOST_COLUMNS = 4096
_MOST_BATCH_ROWS = 1024
_KEPT = 512  # Examples whose targets are compared with those of their neighbours.
_KEPT_COLUMNS = 256
_FEWEST_ROWS = 50
_NEIGHBOURS = 5
_SHUFFLES = 50
_TRAINED_ON = 0.6  # Share of a batch that was trained on from which on it is one of the training data.
_FEWEST_MATCHES = 3
_FEWEST_COVERED = 0.02  # Share of the training examples that must be known to tell whether others are among them.
_DISTINCT = 0.98  # Share of distinct examples below which examples repeat by nature.
# A column has moved if both hold: a distance in standard deviations, and in standard errors.
_FAR = 0.4
_STANDARD_ERRORS = 6.0
_SMALL = 1e-3  # Columns that hardly vary tell nothing.
_FEWEST_COLUMNS = 8  # Fewer columns do not tell how alike they are.


@final
class ColumnStatistics:
    """Mean and standard deviation of each number of an example, over all examples that were added."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = torch.zeros(0, dtype=torch.float64)
        self._squares = torch.zeros(0, dtype=torch.float64)

    def add(self, rows: Tensor) -> None:
        """Add examples: (n, columns), float64."""
        if self.count and self._sum.shape != rows.shape[1:]:
            return
        self.count += len(rows)
        self._sum = self._sum + rows.sum(0) if len(self._sum) else rows.sum(0)
        self._squares = self._squares + rows.square().sum(0) if len(self._squares) else rows.square().sum(0)

    @property
    def mean(self) -> Tensor:
        """Mean of each column."""
        return self._sum / max(self.count, 1)

    @property
    def std(self) -> Tensor:
        """Standard deviation of each column."""
        return (self._squares / max(self.count, 1) - self.mean.square()).clamp(min=0).sqrt()

    @property
    def overall(self) -> tuple[float, float]:
        """Mean and standard deviation of all numbers together."""
        mean = float(self.mean.mean())
        return mean, max(float((self._squares / max(self.count, 1)).mean()) - mean**2, 0.0) ** 0.5


@final
class TrainingExamples:
    """Remembers the examples of sampled training steps."""

    def __init__(self) -> None:
        self.hashes: set[int] = set()
        self.columns = ColumnStatistics()
        self.coverage = 0.0  # share of the training examples that are remembered, at least
        self.repeated: float | None = None  # size of the batch if it is the batch before again, else 0
        self._known = 0.0  # share of the examples of the last passes of each step that are remembered
        self._samples = 0
        self._batch: set[int] = set()  # hashes of the batch before
        self._neighbours = TargetNeighbours()

    def add(self, inputs: Tensor, target: Tensor | None, *, step: int, passes: float = 1.0) -> None:
        """Add the examples of a sampled training step.

        Args:
            inputs: the batch of the last backward pass of the step.
            target: its targets.
            step: number of the step.
            passes: backward passes in a step.
        """
        rows = as_rows(inputs)
        if rows is None or len(self.hashes) > _MOST_ROWS:
            return
        hashes = row_hashes(rows)
        batch = set(hashes)
        if self._batch:
            self.repeated = float(len(rows)) if batch == self._batch and len(batch) > 1 else 0.0
        self._batch = batch
        new = [place for place, one in enumerate(hashes) if one not in self.hashes]
        self._samples += 1
        known = 1 - len(new) / len(rows)
        # In the first epoch nothing comes again: what is remembered is what was sampled of the steps so far.
        first_epoch = self._samples / (step + 1)
        self._known = min(first_epoch, 1.0) if known == 0 and not self._known else max(known, self._known * 0.9, 1e-9)
        # Without shuffling the last pass of a step always has the same examples, and those of the others are unknown.
        self.coverage = self._known / max(1.0, passes)
        self.hashes.update(hashes)
        if inputs.is_floating_point() and new:  # a repeated example adds no certainty
            self.columns.add(rows[new])
        flat = target.flatten() if target is not None and target.numel() == len(rows) else None
        if flat is not None and new:
            self._neighbours.add(rows, flat, new=new)

    def target_relation(self) -> dict[str, float]:
        """Return how strongly the targets depend on the inputs, as signals; see `TargetNeighbours.relation`."""
        return self._neighbours.relation()


@final
class TargetNeighbours:
    """Tests whether similar inputs have similar targets."""

    def __init__(self) -> None:
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._count = 0

    def add(self, rows: Tensor, targets: Tensor, *, new: list[int]) -> None:
        """Keep some examples of a batch.

        Args:
            rows: all inputs of the batch: (n, columns).
            targets: all targets of the batch: (n,).
            new: the rows that were not seen before.
        """
        if self._count >= _KEPT:
            return
        chosen = torch.tensor(new[: _KEPT - self._count])
        thinned = rows[:, :: 1 + rows.shape[1] // _KEPT_COLUMNS]
        self._kept.append((thinned[chosen].clone(), targets.detach().cpu()[chosen].clone()))
        self._count += len(chosen)

    def relation(self) -> dict[str, float]:
        """Return how much more alike the targets of similar inputs are than by chance, in standard deviations.

        The five nearest neighbours of each of 512 examples are compared with 50 permutations of the targets. Beside
        it, the highest correlation of a single column with the target.
        """
        if self._count < _KEPT // 4:
            return {}
        inputs = torch.cat([rows for rows, _ in self._kept]).float()
        target = torch.cat([one for _, one in self._kept]).double().numpy()
        if not np.isfinite(target).all() or target.std() == 0 or not bool(torch.isfinite(inputs).all()):
            return {}
        inputs = (inputs - inputs.mean(0)) / inputs.std(0, correction=0).clamp(min=1e-6)
        distance = torch.cdist(inputs, inputs).fill_diagonal_(float("inf"))
        near = distance.topk(_NEIGHBOURS, largest=False).indices.numpy()
        is_class = len(np.unique(target)) <= 20
        shuffles = np.random.Generator(np.random.PCG64(0))

        def similarity(values: np.ndarray) -> float:
            pairs = values[near], values[:, None]
            return float((pairs[0] == pairs[1]).mean() if is_class else -np.abs(pairs[0] - pairs[1]).mean())

        chance = [similarity(shuffles.permutation(target)) for _ in range(_SHUFFLES)]
        excess = (similarity(target) - float(np.mean(chance))) / max(float(np.std(chance)), 1e-12)
        signals = {"target/relation": excess}
        if inputs.shape[1] > 1:
            standard = torch.from_numpy((target - target.mean()) / target.std()).float()
            signals["target/correlation"] = float((inputs * standard[:, None]).mean(0).abs().max())
        return signals


@final
class EvaluatedExamples:
    """The inputs that one place of the user's code evaluates, in all its evaluations."""

    def __init__(self) -> None:
        self.columns = ColumnStatistics()
        self.batches: list[list[int]] = []  # hashes of the examples of each batch
        self.is_training_data = False
        self.is_one_loader = False  # all of it comes from one data loader
        self._are_indices = False  # pieces of text are alike by nature
        self._is_closed = False  # an evaluation has ended
        self._is_renewed = False  # a later evaluation brought further examples

    def add(self, inputs: Tensor) -> None:
        """Add the inputs of one batch."""
        rows = as_rows(inputs)
        if rows is None:
            return
        self._are_indices |= not inputs.is_floating_point()
        self._is_renewed |= self._is_closed
        self.batches.append(row_hashes(rows))
        if inputs.is_floating_point():
            self.columns.add(rows)

    def close(self) -> None:
        """End an evaluation."""
        self._is_closed = bool(self.batches)

    def seen_in(self, train: TrainingExamples) -> float | None:
        """Return the share of the examples that were trained on; None if it cannot be told."""
        flat = [one for batch in self.batches for one in batch]
        if len(set(flat)) < max(_FEWEST_ROWS, _DISTINCT * len(flat)) or train.coverage < _FEWEST_COVERED:
            return None
        matches = [sum(one in train.hashes for one in batch) for batch in self.batches]
        shares = [count / len(batch) / train.coverage for count, batch in zip(matches, self.batches, strict=True)]
        of_train = [
            count >= _FEWEST_MATCHES and share > _TRAINED_ON for count, share in zip(matches, shares, strict=True)
        ]
        self.is_training_data |= all(of_train)
        if self.is_training_data or self._are_indices or self._is_renewed:
            return None  # examples that are new each time may be trained on afterwards (reinforcement learning)
        # Without a loader the same lines may evaluate the training data first and then others.
        kept = [place for place, is_train in enumerate(of_train) if self.is_one_loader or not is_train]
        seen = sum(matches[place] for place in kept)
        rows = sum(len(self.batches[place]) for place in kept)
        return min(seen / rows / train.coverage, 1.0)


def shift_signals(train: ColumnStatistics, other: ColumnStatistics) -> dict[str, float]:
    """Compare two splits: how many columns have moved, and how much the overall mean and spread differ."""
    if min(train.count, other.count) < _FEWEST_ROWS or train.mean.shape != other.mean.shape:
        return {}
    both = ((train.std.square() + other.std.square()) / 2).sqrt()
    distance = (train.mean - other.mean).abs()
    error = (train.std.square() / train.count + other.std.square() / other.count).sqrt()
    moved = (distance > _FAR * both) & (distance > _STANDARD_ERRORS * error)
    (mean, spread) = train.overall
    (other_mean, other_spread) = other.overall
    if not spread or not other_spread:
        return {}
    signals = {}
    if (scatter := _ratio_scatter(train, other)) is not None:
        signals["std_ratio_scatter"] = scatter
    return signals | {
        "moved_columns_fraction": float(moved.double().mean()),
        "std_ratio": spread / other_spread,
        "mean_distance": abs(mean - other_mean) / max(other_spread, spread),
    }


def _ratio_scatter(train: ColumnStatistics, other: ColumnStatistics) -> float | None:
    """Return how much the ratio of standard deviations differs between columns: interquartile range over median."""
    varying = [one.std > _SMALL * one.std.max() for one in (train, other)]
    ratios = (train.std / other.std)[varying[0] & varying[1]].log()
    if len(ratios) < _FEWEST_COLUMNS:
        return None
    quarters = ratios.quantile(ratios.new_tensor([0.25, 0.5, 0.75]))
    return float((quarters[2] - quarters[0]) / quarters[1].abs().clamp(min=1e-9))


def as_rows(inputs: Tensor) -> Tensor | None:
    """Return examples as rows of float64 on the processor; None if they cannot be compared."""
    if inputs.ndim < 2 or len(inputs) < 1 or inputs.numel() // len(inputs) > _MOST_COLUMNS or inputs.is_complex():
        return None
    return inputs.detach()[:_MOST_BATCH_ROWS].flatten(1).double().cpu()


def row_hashes(rows: Tensor) -> list[int]:
    """Return an integer for each example, equal for equal examples.

    >>> first, second, third = row_hashes(torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]], dtype=torch.float64))
    >>> first == third, first == second
    (True, False)
    """
    weights = (torch.arange(1, rows.shape[1] + 1, dtype=torch.float64) * 12.9898).sin() * 43758.5453
    projected = (rows * (weights - weights.floor())).sum(1)
    exponent = torch.floor(torch.log10(projected.abs().clamp(min=1e-30)))
    hashes: list[int] = torch.round(projected * 10 ** (9 - exponent)).nan_to_num(0).long().tolist()
    return hashes
