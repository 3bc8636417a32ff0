"""Detects updates that a script makes without an optimizer: `w -= lr * w.grad`."""

from __future__ import annotations

import enum
import itertools
import math
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn

from trainwell.monitor.autograd.loss import read_loss
from trainwell.monitor.autograd.nodes import nodes, parameters
from trainwell.monitor.trainings.optimizers import ManualOptimizer

_COMPARED = 3  # weights that are compared from pass to pass
_MOST_NUMBERS = 100_000  # of one weight that is compared
_MOST_PASSES = 64  # backward passes without two updates, after which none is expected
_DEVICE_INTERVAL = 16  # passes between comparisons of weights on a device, each of which synchronises with it
_EXACT = 1e-3  # of an update, the most that may be left beside learning rate * gradient


class _State(enum.Enum):
    """What is known of the updates."""

    SEARCHING = "no update has been seen"
    SEEN_ONCE = "one update has been seen"
    STEPPING = "two updates have been seen: this is a training"
    OVERDUE = "an expected update has not come"


class _Snapshot(NamedTuple):
    """A weight as it was after a backward pass."""

    weight: weakref.ref[Tensor]
    value: Tensor
    gradient: Tensor


class _Change(NamedTuple):
    """A weight before and after what may have been an update."""

    now: Tensor
    before: Tensor
    gradient: Tensor


@final
class ManualUpdateDetector:
    """Detects updates that a script makes itself, in a process that has no optimizer.

    A weight that received a gradient and has changed at the next backward pass was updated. The number of passes from
    the first update to the second is taken to lie before each. A pass counts if its loss depends on just the weights
    that were updated, and none counts while an expected update is overdue: gradients are also computed to be looked at.
    """

    def __init__(self) -> None:
        self._searched = 0  # passes in which an update was searched for
        self._start({}, math.nan)

    def _start(self, weights: dict[int, weakref.ref[Tensor]], loss: float) -> None:
        """Search for updates of the weights a loss depends on."""
        self.optimizer: ManualOptimizer | None = None  # once two updates were seen
        self._state = _State.SEARCHING
        self._weights = weights
        self._first_loss = loss
        self._passes = 0  # since the last update
        self._interval = 0  # passes from one update to the next; 0 while it is unknown
        self._is_counted = False  # whether the pass under way counts
        self._snapshots: list[_Snapshot] = []

    def before_backward(self, loss: Any) -> None:
        """Compare the weights that were kept after the last backward pass with their values now."""
        self._is_counted = False
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            return
        if self.optimizer is None and self._searched > _MOST_PASSES:
            return
        weights = {id(weight): weakref.ref(weight) for node in nodes(loss.grad_fn) for weight in parameters(node)}
        if weights.keys() != self._weights.keys() or any(one() is None for one in self._weights.values()):
            if self.optimizer is not None and not weights.keys().isdisjoint(self._weights):
                return
            if self.optimizer is not None:
                self._searched = 0
            self._start(weights, float(loss.detach()) / read_loss(loss).reduction.scale)
        self._is_counted = True
        changes = [
            _Change(weight.detach(), one.value, one.gradient)
            for one in self._snapshots
            if (weight := one.weight()) is not None
        ]
        if any(not torch.equal(change.now, change.before) for change in changes):
            self._note_update(_settings(changes), loss)
        elif changes and self.optimizer is not None:
            self._state = _State.OVERDUE
        self._snapshots = []

    def _note_update(self, settings: dict[str, Any], loss: Tensor) -> None:
        several = len(self._weights) > 1 or any(isinstance(one(), nn.Parameter) for one in self._weights.values())
        if self.optimizer is not None:
            self.optimizer.settings = settings
            self._interval = min(self._interval, self._passes)
            self._state = _State.STEPPING
        elif (
            self._state is _State.SEEN_ONCE and several and (read_loss(loss).kind or not settings.get("maximize", True))
        ):
            self._interval = self._passes
            self.optimizer = ManualOptimizer(self._weights.values(), steps=2, first_loss=self._first_loss)
            self.optimizer.settings = settings
            self._state = _State.STEPPING
        else:
            self._state = _State.SEEN_ONCE
        self._passes = 0

    def after_backward(self, *, closely: bool) -> bool:
        """Keep some weights as they are after a backward pass; return whether an update is to follow.

        Args:
            closely: compare weights on a device at the next pass too, which synchronises with it.
        """
        if not self._is_counted:
            return False
        self._passes += 1
        if self.optimizer is None:
            self._searched += 1
        if self._passes >= self._interval:
            closely = closely or self._passes % _DEVICE_INTERVAL == 0
            weights = [w for one in self._weights.values() if (w := one()) is not None and w.numel() <= _MOST_NUMBERS]
            pairs = ((w, w.grad) for w in sorted(weights, key=Tensor.numel) if closely or w.is_cpu)
            chosen = itertools.islice(((w, g) for w, g in pairs if g is not None and bool(g.any())), _COMPARED)
            self._snapshots = [_Snapshot(weakref.ref(w), w.detach().clone(), g.detach().clone()) for w, g in chosen]
        return self._state is _State.STEPPING and self._passes % self._interval == 0


def _settings(changes: Sequence[_Change]) -> dict[str, Any]:
    """Return the learning rate with which gradients were subtracted, and whether they were added instead.

    An empty dict if the changes are no multiple of the gradients; one number alone fits any learning rate.
    """
    if any(change.now.is_complex() or change.gradient.is_sparse for change in changes):
        return {}
    now, before, gradient = (
        torch.cat([part.flatten().double() for part in parts]) for parts in zip(*changes, strict=True)
    )
    change = before - now
    rate = float(change @ gradient / gradient.square().sum())
    rounding = torch.finfo(changes[0].now.dtype).eps * float(before.abs().max())
    is_exact = bool((change - rate * gradient).abs().max() <= _EXACT * change.abs().max() + rounding)
    return {"lr": abs(rate), "maximize": rate < 0} if is_exact and len(change) > 2 else {}
