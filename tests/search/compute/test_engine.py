"""Which engine trains, and why."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError
from trainwell.fitting import gather, plan
from trainwell.population.folds import Folds, make_folds
from trainwell.recipe import edit
from trainwell.search.compute.engine import choose_engine

SETTINGS = {"train.epochs": 2, "nn.hidden": (8,), "nn.dropout": 0.0}


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], outputs: int) -> None:
        super().__init__()
        self.rnn = kind(8, 4, batch_first=True)
        self.head = nn.Linear(4, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.rnn(x.squeeze(1))[0][:, -1])
        return y


class Peeking(nn.Module):
    """Looks at a number, which no mapped network can."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.head = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(x.flatten(1))
        return y if y.sum().item() > 0 else -y


def make_data(make=None, **more: object) -> Folds:
    planned = plan(gather("digits", SETTINGS | more))
    return make_folds(planned, build=lambda recipe, shape, outputs: make(outputs)) if make else make_folds(planned)


def test_small_networks_train_together_and_the_reason_is_a_measurement() -> None:
    data = make_data()
    torch.set_num_threads(1)
    found = choose_engine(data.plan.recipe, data, trials=64)
    assert "µs per network together" in found.why and "alone" in found.why
    assert found.engine == ("population" if "at once" in found.why else "sequential")


def test_a_long_step_trains_alone() -> None:
    data = make_data(**{"nn.hidden": (3000, 3000)})
    found = choose_engine(data.plan.recipe, data, trials=64)
    assert found.engine == "sequential" and "arithmetic" in found.why


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrent_network_is_told_why(kind: type[nn.RNNBase]) -> None:
    data = make_data(lambda outputs: Recurrent(kind, outputs))
    found = choose_engine(data.plan.recipe, data, trials=64)
    assert found.engine == "sequential" and f"nn.{kind.__name__}" in found.why
    with pytest.raises(UsageError, match="cannot train together"):
        choose_engine(data.plan.recipe, data, trials=64, engine="population")


def test_what_torch_cannot_map_is_found_out_by_trying() -> None:
    data = make_data(Peeking)
    found = choose_engine(data.plan.recipe, data, trials=64)
    assert found.engine == "sequential" and "cannot map" in found.why


def test_inputs_beyond_memory_train_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwell.search.compute.engine._MOST_INPUT_BYTES", 1000)
    data = make_data()
    assert "GB of memory" in choose_engine(data.plan.recipe, data, trials=64).why


def test_few_trials_unknown_settings_and_wishes() -> None:
    data = make_data()
    recipe = data.plan.recipe
    assert "fewer than" in choose_engine(recipe, data, trials=2).why
    assert "train.ema" in choose_engine(edit(recipe, {"train.ema": 0.9}), data, trials=64).why
    assert choose_engine(recipe, data, trials=64, engine="sequential").engine == "sequential"
    assert choose_engine(recipe, data, trials=64, engine="population").engine == "population"
    with pytest.raises(UsageError, match="--engine must be one of"):
        choose_engine(recipe, data, trials=64, engine="quantum")
