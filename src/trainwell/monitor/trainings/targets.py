"""What the targets of a training tell: class counts, the order of the classes, and the loss at chance level."""

from __future__ import annotations

import dataclasses
import math
from typing import final

import torch
from torch import Tensor, nn

from trainwell.monitor.autograd.reading import LossReading

_MOST_COLUMNS = 4096
_FEWEST_TARGETS = 256  # With fewer the chance level is too uncertain to be a reference.
_FEWEST_IN_BATCH = 8  # With fewer the order of the classes says nothing.


@final
class TargetStatistics:
    """Adds up the targets of the samples of one training."""

    def __init__(self) -> None:
        self.reading = LossReading()  # the newest, without its tensors
        self.batch_size = 0
        self.class_counts: Tensor | None = None
        self._count = 0
        self._sum = torch.zeros(1).double()  # of each column
        self._squares = torch.zeros(1).double()

    def add(self, reading: LossReading) -> dict[str, float]:
        """Add the targets of one sample; return the signals they give by themselves."""
        target = reading.target
        prediction = reading.prediction
        self.reading = dataclasses.replace(reading, target=None, prediction=None)  # they keep the graph alive
        self.batch_size = len(prediction) if prediction is not None and prediction.ndim else 0
        if target is None or not target.numel():
            return {}
        is_numeric = reading.kind == "numbers" or target.is_floating_point()
        signals = self._add_numbers(target) if is_numeric else self._add_classes(target)
        if reading.reduction.data_loss is not None:
            signals["code/data_loss"] = reading.reduction.data_loss
            if chance := self.chance_loss():
                signals["code/data_chance"] = chance
        return signals

    def _add_numbers(self, target: Tensor) -> dict[str, float]:
        values = target.detach().float().cpu()
        # The best constant prediction may differ from column to column.
        is_table = values.ndim > 1 and values[0].numel() <= _MOST_COLUMNS
        rows = values.flatten(1) if is_table else values.reshape(-1, 1)
        self._count += len(rows)
        if len(self._sum) != rows.shape[1]:
            self._sum = rows.sum(0).double()
            self._squares = rows.square().sum(0).double()
        else:
            self._sum = self._sum + rows.sum(0).double()
            self._squares = self._squares + rows.square().sum(0).double()
        return {"target/std": float(rows.std(0, correction=0).max())}

    def _add_classes(self, target: Tensor) -> dict[str, float]:
        flat = target.flatten()
        counts = torch.bincount(flat[flat >= 0]).float().cpu()
        count = float(counts.sum())
        if self.class_counts is None:
            self.class_counts = counts.clone()
        else:
            longest = max(len(self.class_counts), len(counts))
            counts = nn.functional.pad(counts, (0, longest - len(counts)))
            self.class_counts = nn.functional.pad(self.class_counts, (0, longest - len(self.class_counts))) + counts
        self._count += int(count)
        if target.ndim != 1 or count < _FEWEST_IN_BATCH:
            return {}
        same = float((counts.square().sum() - count) / (count * (count - 1)))
        expected = float((self.class_counts / self.class_counts.sum()).square().sum())
        return {"target/same_fraction": same, "target/expected_same_fraction": expected}

    def chance_loss(self) -> float | None:
        """Estimate the mean loss of the best constant prediction from the targets seen; None if it is unknown."""
        if self._count < _FEWEST_TARGETS:
            return None
        if self.class_counts is not None:
            shares = [share for share in (self.class_counts / self.class_counts.sum()).tolist() if share > 0]
            entropy: float = -sum(share * math.log(share) for share in shares)
            return entropy + (len(shares) - 1) / (2 * self._count)  # correction of Miller and Madow (1955)
        means = self._sum / self._count
        squares = self._squares / self._count
        variance = float((squares - means.square()).mean())
        if self.reading.kind == "numbers" and self.reading.is_squared:
            return variance or None
        binary = self.reading.kind in ("logits", "probabilities") and bool(((squares - means).abs() < 1e-3).all())
        if binary and bool(((means > 0) & (means < 1)).any()):
            return float(-(torch.xlogy(means, means) + torch.xlogy(1 - means, 1 - means)).mean())
        return None
