"""Trainings whose steps are not those of a PyTorch optimizer: those of Keras on torch, and updates written by hand."""

from __future__ import annotations

import itertools
import math
import sys
import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.watching.graph import read_loss

_FEW = 3  # weights that are compared from pass to pass
_MOST_PASSES = 32  # backward passes without an update, after which none is expected
_SOME = 16  # every so many passes the weights are compared, when a training is known
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
    """Stands for updates that a script writes itself.

    Args:
        parameters: what is updated.
        first_loss: the loss before the first step, which was over when it was noticed.
    """

    def __init__(self, parameters: list[Tensor], first_loss: float) -> None:
        # No `super().__init__`: it imports PyTorch's compiler, which takes seconds.
        self.param_groups = [{"params": parameters, "lr": math.nan}]
        self._optimizer_step_post_hooks = OrderedDict()
        self.taken, self.first_loss = 1, first_loss


@final
class ByHand:
    """Notices updates that a script writes itself, `w -= rate * w.grad`, where it has no optimizer.

    What received a gradient and has changed at the next backward pass was updated. As many passes as lay before the
    first update are taken to lie before each. The rate is what the first weight compared tells of it.
    """

    def __init__(self) -> None:
        self._look()

    def _look(self) -> None:
        """Look for a network that is trained."""
        self.standin: HandWritten | None = None  # for the optimizer, once an update was seen
        self._passes, self._every, self._first_loss = 0, 1, math.nan
        self._leaves: dict[int, weakref.ref[Tensor]] = {}  # what the loss depends on
        self._kept: list[tuple[int, Tensor, Tensor]] = []  # the `id` of a weight, what it was, its gradient

    def before(self, loss: Any) -> None:
        """Compare the weights that were kept after the last backward pass with what they are now."""
        is_due = self.standin is None and self._passes < _MOST_PASSES
        if not isinstance(loss, Tensor) or not (is_due or self._kept):
            return
        kept, self._kept = self._kept, []
        leaves = {id(leaf): weakref.ref(leaf) for leaf in _leaves(loss)}
        if self.standin is not None and leaves.keys().isdisjoint(self._leaves):
            self._look()  # another network
        weights = ((self._leaves[key](), old, gradient) for key, old, gradient in kept if key in leaves)
        moved = ((w, old, g) for w, old, g in weights if w is not None and not torch.equal(w.detach(), old))
        if (found := next(moved, None)) is not None:
            told = _rate(found[1] - found[0].detach(), found[2])
            if self.standin is None and (read_loss(loss).kind or not told.get("maximize", True)):
                both = [w for key in leaves.keys() & self._leaves.keys() if (w := self._leaves[key]()) is not None]
                self.standin = HandWritten(both, self._first_loss)
                self._every = self._passes
            if self.standin is not None:
                self.standin.param_groups[0] |= told
                self._passes = 0
        if self.standin is None:
            self._leaves = leaves
            if not self._passes and loss.numel() == 1:
                self._first_loss = float(loss.detach())

    def after(self, *, closely: bool) -> bool:
        """Keep some weights as they are after a backward pass; tell whether an update is to follow.

        Args:
            closely: they are to be compared at the next one.
        """
        self._passes += 1
        is_over = self._passes % self._every == 0
        if (self._passes < _MOST_PASSES) if self.standin is None else is_over and (closely or not self._passes % _SOME):
            weights = [weight for reference in self._leaves.values() if (weight := reference()) is not None]
            pairs = ((w, w.grad) for w in sorted(weights, key=Tensor.numel))
            moved = ((w, g) for w, g in pairs if g is not None and bool(g.any()))
            self._kept = [(id(w), w.detach().clone(), g.detach().clone()) for w, g in itertools.islice(moved, _FEW)]
        return self.standin is not None and is_over


def _leaves(loss: Tensor) -> list[Tensor]:
    """Return what a loss can be changed by."""
    found: list[Tensor] = []
    seen: set[Any] = set()
    waiting: list[Any] = [loss.grad_fn]
    while waiting and len(seen) < _MOST_NODES:
        if (node := waiting.pop()) is None or node in seen:
            continue
        seen.add(node)
        if (leaf := getattr(node, "variable", None)) is not None:
            found.append(leaf)
        waiting += [before for before, _ in node.next_functions]
    return found


def _rate(change: Tensor, gradient: Tensor) -> dict[str, Any]:
    """Return the rate by which a gradient was subtracted, and whether it was added instead; nothing if neither."""
    if change.is_complex() or gradient.is_sparse:
        return {}
    rate = float((change * gradient).sum() / gradient.square().sum())
    is_exact = bool((change - rate * gradient).abs().max() <= _EXACT * change.abs().max())
    return {"lr": abs(rate), "maximize": rate < 0} if is_exact else {}
