"""Stand-ins for optimizers of Keras; Keras itself is in test_frameworks.py."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace

import torch
from torch import nn

from trainwell.monitor.trainings.keras import KerasOptimizers, keras_optimizer_class, keras_weights


class Descent:
    """An optimizer with variables and a rate as those of Keras."""

    def __init__(self) -> None:
        self.learning_rate = torch.tensor(0.25)
        self._trainable_variables = [SimpleNamespace(value=nn.Parameter(torch.ones(2)))]


def test_one_stand_in_for_each_optimizer_as_long_as_it_lives() -> None:
    optimizers, descent = KerasOptimizers(), Descent()
    first = optimizers.of(descent, None, with_rate=False)
    assert type(first).__name__ == "Descent"
    assert first.param_groups[0]["params"][0] is descent._trainable_variables[0].value
    again = optimizers.of(descent, None, with_rate=True)
    assert again is first and first.param_groups[0]["lr"] == 0.25
    del descent
    gc.collect()
    assert len(optimizers._by_original) == 0


def test_networks_of_pytorch_keep_their_names() -> None:
    assert keras_weights(nn.Linear(2, 2)) == {}


def test_without_keras_there_is_nothing_to_listen_to() -> None:
    if "keras" not in sys.modules:
        assert keras_optimizer_class() is None
