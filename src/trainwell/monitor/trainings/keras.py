"""Networks and optimizers of Keras on the PyTorch backend."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Iterable
from typing import Any, final

from torch import Tensor, nn

from trainwell.monitor.trainings.optimizers import KerasOptimizer


def keras_optimizer_class() -> type | None:
    """Return the class whose `apply` is the step of every Keras optimizer; None unless Keras runs on torch here."""
    keras = sys.modules.get("keras")
    optimizers = getattr(keras, "optimizers", None)
    if optimizers is None or keras is None or keras.backend.backend() != "torch":
        return None
    found: list[type] = [one for one in optimizers.Optimizer.__mro__ if "apply" in vars(one)]
    return found[0] if found else None


def keras_weights(module: Any) -> dict[str, Tensor]:
    """Return the weights of a Keras network by the names Keras gives them; an empty dict for another network.

    Keras registers its weights with PyTorch under other, generated names.
    """
    if not hasattr(module, "_torch_params"):
        return {}
    return {weight.path: weight.value for weight in module.weights if weight.value.is_floating_point()}


def keras_layers(module: Any) -> dict[str, nn.Module]:
    """Return the layers of a Keras network by the names Keras gives them, in the order they were made.

    Keras keeps them in lists of its own, where PyTorch does not find them.
    """
    return {layer.name: layer for layer in module._flatten_layers(include_self=False)}


@final
class KerasOptimizers:
    """One `KerasOptimizer` for each optimizer of Keras, as long as that lives."""

    def __init__(self) -> None:
        self._by_original: weakref.WeakKeyDictionary[Any, KerasOptimizer] = weakref.WeakKeyDictionary()

    def of(self, original: Any, variables: Iterable[Any] | None, *, with_rate: bool) -> KerasOptimizer:
        """Return the stand-in of a Keras optimizer that is about to step.

        Args:
            original: the optimizer.
            variables: what it changes; None if it was built for them.
            with_rate: whether to read its learning rate, which takes time where a schedule computes it.
        """
        if (found := self._by_original.get(original)) is None:
            values = [variable.value for variable in variables or original._trainable_variables]
            found = self._by_original[original] = type(type(original).__name__, (KerasOptimizer,), {})(values)
        if with_rate:
            found.param_groups[0]["lr"] = float(original.learning_rate)
        return found
