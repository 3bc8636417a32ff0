"""Trainings whose steps are not those of a PyTorch optimizer: those of Keras on torch, and updates written by hand."""

from __future__ import annotations

import itertools
import math
import sys
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.monitor.autograd.graph import operation, read_loss

_FEW, _MOST_NUMBERS = 3, 100_000  # weights that are compared from pass to pass, and how large they may be
_MOST_PASSES = 64  # backward passes without two updates, after which none is expected
_SOME = 16  # every so many passes weights on a device are compared, which means to wait for it
_MOST_NODES = 10_000
_EXACT = 1e-3  # of an update, what may be left beside rate * gradient


def keras_optimizer_class() -> type | None:
    """Return the class whose `apply` is the step of every optimizer of Keras; None unless Keras runs on torch here."""
    keras = sys.modules.get("keras")
    optimizers = getattr(keras, "optimizers", None)
    if optimizers is None or keras is None or keras.backend.backend() != "torch":
        return None
    found: list[type] = [one for one in optimizers.Optimizer.__mro__ if "apply" in vars(one)]
    return found[0] if found else None


def keras_weights(module: Any) -> dict[str, Tensor]:
    """Return the weights of a network of Keras by the names Keras gives them; none of another network.

    Keras registers them with PyTorch under names that nobody knows.
    """
    if not hasattr(module, "_torch_params"):
        return {}
    return {weight.path: weight.value for weight in module.weights if weight.value.is_floating_point()}


def keras_layers(module: Any) -> dict[str, nn.Module]:
    """Return the layers of a network of Keras by the names Keras gives them, in the order they were made.

    Keras keeps them in lists of its own, where PyTorch does not look.
    """
    return {layer.name: layer for layer in module._flatten_layers(include_self=False)}


@final
class Standins:
    """Keeps one `Standin` for each optimizer of Keras, as long as that lives."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[Any, Standin] = weakref.WeakKeyDictionary()

    def of(self, original: Any, variables: Iterable[Any] | None, *, with_rate: bool) -> Standin:
        """Return the stand-in of an optimizer that is about to step.

        Args:
            original: the optimizer.
            variables: what it changes; None if it was built for them.
            with_rate: whether its learning rate is asked for, which takes a while where a schedule computes it.
        """
        if (standin := self._of.get(original)) is None:
            values = [variable.value for variable in variables or original._trainable_variables]
            standin = self._of[original] = type(type(original).__name__, (Standin,), {})(values)
        if with_rate:
            standin.param_groups[0]["lr"] = float(original.learning_rate)
        return standin


class Standin(Optimizer):
    """Stands for an optimizer that is none of PyTorch's: the parameters it changes, at which rate; never stepped."""

    def __init__(self, parameters: list[Tensor]) -> None:
        super().__init__(parameters, {"lr": math.nan})


@final
class HandWritten(Optimizer):
    """Stands for updates that a script writes itself, and keeps none of the weights alive.

    Args:
        weights: what is updated.
        taken: steps before it was noticed.
        first_loss: the mean loss before the first of them.
    """

    def __init__(self, weights: Iterable[weakref.ref[Tensor]], *, taken: int, first_loss: float) -> None:
        # No `super().__init__`: it imports PyTorch's compiler, which takes seconds.
        self._weights, self.taken, self.first_loss = list(weights), taken, first_loss
        self.told: dict[str, Any] = {}
        self._optimizer_step_post_hooks = OrderedDict()

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """What is updated, and what is known of how."""
        return [{"params": [w for one in self._weights if (w := one()) is not None], "lr": math.nan, **self.told}]


@final
class ByHand:
    """Notices updates that a script writes itself, `w -= rate * w.grad`, where it has no optimizer.

    What received a gradient and has changed at the next backward pass was updated. The passes from the first update to
    the second are taken to lie before each. A pass counts if its loss depends on just what was updated, and none does
    while an expected update stays away: gradients are also computed to be looked at.
    """

    def __init__(self) -> None:
        self._tried = 0  # passes in which an update was looked for
        self._look({}, math.nan)

    def _look(self, leaves: dict[int, weakref.ref[Tensor]], loss: float) -> None:
        """Look for updates of what a loss depends on."""
        self._leaves, self._first_loss = leaves, loss
        self.standin: HandWritten | None = None  # for the optimizer, once two updates were seen
        self._passes = self._every = 0  # since the last update, and from one to the next
        self._moved = self._waits = self._is_own = False  # an update was seen; one stays away; the pass counts
        self._kept: list[tuple[weakref.ref[Tensor], Tensor, Tensor]] = []  # a weight, what it was, its gradient

    def before(self, loss: Any) -> None:
        """Compare the weights that were kept after the last backward pass with what they are now."""
        self._is_own = False
        if not isinstance(loss, Tensor) or loss.numel() != 1 or (self.standin is None and self._tried > _MOST_PASSES):
            return
        leaves = {id(leaf): weakref.ref(leaf) for leaf in _leaves(loss)}
        if leaves.keys() != self._leaves.keys() or any(one() is None for one in self._leaves.values()):
            if self.standin is not None and not leaves.keys().isdisjoint(self._leaves):
                return
            reading = read_loss(loss)
            self._tried *= self.standin is None
            self._look(leaves, float(loss.detach()) / ((reading.factor or 1.0) if reading.is_mean else 1.0))
        self._is_own = True
        pairs = [(weight.detach(), old, g) for one, old, g in self._kept if (weight := one()) is not None]
        if any(not torch.equal(weight, old) for weight, old, _ in pairs):
            self._take(_rate(pairs), loss)
        elif pairs and self.standin is not None and self._passes >= self._every:
            self._waits = True
        self._kept = []

    def _take(self, told: dict[str, Any], loss: Tensor) -> None:
        """Take note of an update."""
        many = len(self._leaves) > 1 or any(isinstance(one(), nn.Parameter) for one in self._leaves.values())
        if self.standin is not None:
            self.standin.told = told
            self._every = min(self._every, self._passes)
        elif self._moved and many and (read_loss(loss).kind or not told.get("maximize", True)):
            self._every = self._passes
            self.standin = HandWritten(self._leaves.values(), taken=2, first_loss=self._first_loss)
            self.standin.told = told
        self._passes, self._moved, self._waits = 0, True, False

    def after(self, *, closely: bool) -> bool:
        """Keep some weights as they are after a backward pass; tell whether an update is to follow.

        Args:
            closely: they are to be compared at the next one, even if that means to wait for a device.
        """
        if not self._is_own:
            return False
        self._passes += 1
        self._tried += self.standin is None
        is_due = self.standin is not None and self._passes >= self._every
        if self.standin is None or is_due:
            weights = [w for one in self._leaves.values() if (w := one()) is not None and w.numel() <= _MOST_NUMBERS]
            pairs = ((w, w.grad) for w in sorted(weights, key=Tensor.numel))
            moving = ((w, g) for w, g in pairs if g is not None and (closely or not self._passes % _SOME or w.is_cpu))
            chosen = itertools.islice(((w, g) for w, g in moving if bool(g.any())), _FEW)
            self._kept = [(weakref.ref(w), w.detach().clone(), g.detach().clone()) for w, g in chosen]
        is_over = is_due and not self._waits and self._passes % self._every == 0
        return is_over


def _leaves(loss: Tensor) -> list[Tensor]:
    """Return what a loss can be changed by."""
    found: list[Tensor] = []
    seen: set[Any] = set()
    waiting: list[Any] = [loss.grad_fn]
    while waiting and len(seen) < _MOST_NODES:
        if (node := waiting.pop()) is None or node in seen:
            continue
        seen.add(node)
        if operation(node) == "AccumulateGrad":
            found.append(node.variable)
        waiting += [before for before, _ in node.next_functions]
    return found


def _rate(pairs: Sequence[tuple[Tensor, Tensor, Tensor]]) -> dict[str, Any]:
    """Return the rate by which gradients were subtracted, and whether they were added instead; nothing if neither.

    Args:
        pairs: weights, what they were, and their gradients. One number alone fits any rate.
    """
    if any(weight.is_complex() or gradient.is_sparse for weight, _, gradient in pairs):
        return {}
    weights, before, gradient = (
        torch.cat([part.flatten().double() for part in parts]) for parts in zip(*pairs, strict=True)
    )
    change = before - weights
    rate = float(change @ gradient / gradient.square().sum())
    rounding = torch.finfo(pairs[0][0].dtype).eps * float(before.abs().max())
    is_exact = bool((change - rate * gradient).abs().max() <= _EXACT * change.abs().max() + rounding)
    return {"lr": abs(rate), "maximize": rate < 0} if is_exact and len(change) > 2 else {}
