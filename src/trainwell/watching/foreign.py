"""Trainings whose steps are not those of a PyTorch optimizer: Keras on torch brings optimizers of its own."""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Iterable
from typing import Any, final

from torch import Tensor, nn
from torch.optim import Optimizer


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
