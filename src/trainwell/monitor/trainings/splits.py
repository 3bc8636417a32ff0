"""The examples a network is trained and evaluated on, put side by side."""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor

_MOST_ROWS = 100_000  # marks of examples that are kept of a training
_MOST_COLUMNS = 4096
_KEPT = 512  # Examples whose targets are compared with those of their neighbours.
_KEPT_COLUMNS = 256
_FEWEST_ROWS = 50
_NEIGHBOURS, _SHUFFLES = 5, 50
_SEEN = 0.6  # Share of an evaluation that was trained on from which on it is one of the training data.
_FEWEST_MATCHES = 3
# Diagnosis D3; with standard errors as the second key.
_FAR, _STANDARD_ERRORS = 0.4, 6.0
_SMALL, _FEWEST_COLUMNS = 1e-3, 8  # Columns that hardly vary tell nothing, nor do few columns of how alike they are.


@final
class Columns:
    """Mean and deviation of each number of an example, over all examples that were added."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = self._squares = torch.zeros(0, dtype=torch.float64)

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
    def deviation(self) -> Tensor:
        """Standard deviation of each column."""
        return (self._squares / max(self.count, 1) - self.mean.square()).clamp(min=0).sqrt()

    @property
    def whole(self) -> tuple[float, float]:
        """Mean and deviation of all numbers together."""
        mean = float(self.mean.mean())
        return mean, max(float((self._squares / max(self.count, 1)).mean()) - mean**2, 0.0) ** 0.5


@final
class Splits:
    """Remembers the examples of sampled training steps, and compares with them those of evaluations."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.columns = Columns()
        self.coverage = 0.0  # share of the training examples that are remembered, at least
        self._known = 0.0  # share of those of the last passes of each step
        self._rows = self._steps = 0
        self._kept: list[tuple[Tensor, Tensor]] = []
        self._kept_count = 0
        self._batch: set[int] = set()  # marks of the batch before
        self.same_again: float | None = None  # examples of the batch, if they are those of the one before, else 0

    def train(self, inputs: Tensor, target: Tensor | None, *, step: int, passes: float = 1.0) -> None:
        """Take the examples of a sampled training step, the last of so many backward passes."""
        rows = as_rows(inputs)
        if rows is None or len(self.seen) > _MOST_ROWS:
            return
        marks = marks_of(rows)
        batch = set(marks)
        if self._batch:
            self.same_again = float(len(rows)) if batch == self._batch and len(batch) > 1 else 0.0
        self._batch = batch
        fresh = [place for place, mark in enumerate(marks) if mark not in self.seen]
        self._rows += len(rows)
        self._steps += 1
        known = 1 - len(fresh) / len(rows)
        # In the first pass nothing comes again: what is remembered is what was sampled of the steps so far.
        first_pass = self._steps / (step + 1)
        self._known = min(first_pass, 1.0) if known == 0 and not self._known else max(known, self._known * 0.9, 1e-9)
        # Without shuffling the last pass of a step always has the same examples, and those of the others are unknown.
        self.coverage = self._known / max(1.0, passes)
        self.seen.update(marks)
        if inputs.is_floating_point() and fresh:  # one that comes again tells nothing new, and would feign certainty
            self.columns.add(rows[fresh])
        flat = target.flatten() if target is not None and target.numel() == len(rows) else None
        if flat is not None and fresh and self._kept_count < _KEPT:
            chosen = torch.tensor(fresh[: _KEPT - self._kept_count])
            thinned = rows[:, :: 1 + rows.shape[1] // _KEPT_COLUMNS]
            self._kept.append((thinned[chosen].clone(), flat.detach().cpu()[chosen].clone()))
            self._kept_count += len(chosen)

    def relation(self) -> dict[str, float]:
        """Say how much more alike the targets of similar inputs are than chance makes them, in standard deviations.

        The five nearest neighbours of each of 500 examples, against 50 shuffles of the targets (diagnosis D7). Beside
        it the highest correlation of a single column with the target.
        """
        if self._kept_count < _KEPT // 4:
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

        def alike(values: np.ndarray) -> float:
            pairs = values[near], values[:, None]
            return float((pairs[0] == pairs[1]).mean() if is_class else -np.abs(pairs[0] - pairs[1]).mean())

        chance = [alike(shuffles.permutation(target)) for _ in range(_SHUFFLES)]
        told = {"target/relation": (alike(target) - float(np.mean(chance))) / max(float(np.std(chance)), 1e-12)}
        if inputs.shape[1] > 1:
            standard = torch.from_numpy((target - target.mean()) / target.std()).float()
            told["target/correlation"] = float((inputs * standard[:, None]).mean(0).abs().max())
        return told


@final
class Group:
    """What one place of the user's code evaluates, time after time."""

    def __init__(self) -> None:
        self.columns = Columns()
        self.marks: list[list[int]] = []  # of each batch
        self.is_train = self.repeats = False
        self.is_one_set = False  # all of it comes from one data loader
        self.is_closed = self.is_renewed = False  # an evaluation has ended; others brought further examples
        self.counts = torch.zeros(0)
        self.rows = 0
        self.loss = self.right = torch.zeros(())
        self.asked = 0  # targets whose answer could be right or wrong

    def add(self, inputs: Tensor) -> None:
        """Take the inputs of one batch."""
        rows = as_rows(inputs)
        if rows is None:
            return
        self.repeats |= not inputs.is_floating_point()  # pieces of text are alike by nature
        self.is_renewed |= self.is_closed
        self.marks.append(marks_of(rows))
        if inputs.is_floating_point():
            self.columns.add(rows)

    def judge(self, splits: Splits) -> float | None:
        """Return the share of its examples that were trained on; None if it cannot be told."""
        flat = [mark for batch in self.marks for mark in batch]
        if len(set(flat)) < max(_FEWEST_ROWS, 0.98 * len(flat)) or splits.coverage < 0.02:
            return None  # where examples repeat by nature, a match means nothing
        matches = [sum(mark in splits.seen for mark in batch) for batch in self.marks]
        shares = [count / len(batch) / splits.coverage for count, batch in zip(matches, self.marks, strict=True)]
        of_train = [count >= _FEWEST_MATCHES and share > _SEEN for count, share in zip(matches, shares, strict=True)]
        self.is_train |= all(of_train)
        if self.is_train or self.repeats or self.is_renewed:
            return None  # what is new each time may well be trained on afterwards (reinforcement learning)
        # Without a loader the same lines may look at the training data first and then at others.
        kept = [at for at, whole in enumerate(of_train) if self.is_one_set or not whole]
        seen, rows = sum(matches[at] for at in kept), sum(len(self.marks[at]) for at in kept)
        return min(seen / rows / splits.coverage, 1.0)


def shift(train: Columns, other: Columns) -> dict[str, float]:
    """Compare two splits: how many columns have moved, and how much wider or farther off the whole has become."""
    if min(train.count, other.count) < _FEWEST_ROWS or train.mean.shape != other.mean.shape:
        return {}
    both = ((train.deviation.square() + other.deviation.square()) / 2).sqrt()
    distance = (train.mean - other.mean).abs()
    error = (train.deviation.square() / train.count + other.deviation.square() / other.count).sqrt()
    moved = (distance > _FAR * both) & (distance > _STANDARD_ERRORS * error)
    (mean, spread), (other_mean, other_spread) = train.whole, other.whole
    if not spread or not other_spread:
        return {}
    known = [one.deviation > _SMALL * one.deviation.max() for one in (train, other)]
    ratios = (train.deviation / other.deviation)[known[0] & known[1]].log()
    quarters = ratios.quantile(ratios.new_tensor([0.25, 0.5, 0.75])) if len(ratios) >= _FEWEST_COLUMNS else None
    told = (
        {}
        if quarters is None
        else {"std_ratio_scatter": float((quarters[2] - quarters[0]) / quarters[1].abs().clamp(min=1e-9))}
    )
    return told | {
        "moved_columns_fraction": float(moved.double().mean()),
        "std_ratio": spread / other_spread,
        "mean_distance": abs(mean - other_mean) / max(other_spread, spread),
    }


def as_rows(inputs: Tensor) -> Tensor | None:
    """Return examples as rows of float64 on the processor; None if there is nothing to compare."""
    if inputs.ndim < 2 or len(inputs) < 1 or inputs.numel() // len(inputs) > _MOST_COLUMNS or inputs.is_complex():
        return None
    return inputs.detach()[:1024].flatten(1).double().cpu()


def marks_of(rows: Tensor) -> list[int]:
    """Return a whole number for each example, equal for equal ones.

    >>> first, second, third = marks_of(torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]], dtype=torch.float64))
    >>> first == third, first == second
    (True, False)
    """
    weights = (torch.arange(1, rows.shape[1] + 1, dtype=torch.float64) * 12.9898).sin() * 43758.5453
    projected = (rows * (weights - weights.floor())).sum(1)
    exponent = torch.floor(torch.log10(projected.abs().clamp(min=1e-30)))
    marks: list[int] = torch.round(projected * 10 ** (9 - exponent)).nan_to_num(0).long().tolist()
    return marks
