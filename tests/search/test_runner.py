"""Which engine trains, and why."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from trainwell.core.errors import UsageError
from trainwell.fitting import gather, plan
from trainwell.population.folds import Ground, stand
from trainwell.recipe import edit
from trainwell.search.runner import Crew, Decision, decide

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


def place(make=None, **more: object) -> Ground:
    planned = plan(gather("digits", SETTINGS | more))
    return stand(planned, build=lambda recipe, shape, outputs: make(outputs)) if make else stand(planned)


def test_small_networks_train_together_and_the_reason_is_a_measurement() -> None:
    ground = place()
    torch.set_num_threads(1)
    found = decide(ground.plan.recipe, ground, trials=64)
    assert "µs per network together" in found.why and "alone" in found.why
    assert found.engine == ("population" if "at once" in found.why else "sequential")


def test_a_long_step_trains_alone() -> None:
    ground = place(**{"nn.hidden": (3000, 3000)})
    found = decide(ground.plan.recipe, ground, trials=64)
    assert found.engine == "sequential" and "arithmetic" in found.why


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_recurrent_network_is_told_why(kind: type[nn.RNNBase]) -> None:
    ground = place(lambda outputs: Recurrent(kind, outputs))
    found = decide(ground.plan.recipe, ground, trials=64)
    assert found.engine == "sequential" and f"nn.{kind.__name__}" in found.why
    with pytest.raises(UsageError, match="cannot train together"):
        decide(ground.plan.recipe, ground, trials=64, wanted="population")


def test_what_torch_cannot_map_is_found_out_by_trying() -> None:
    ground = place(Peeking)
    found = decide(ground.plan.recipe, ground, trials=64)
    assert found.engine == "sequential" and "cannot map" in found.why


def test_inputs_beyond_memory_train_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwell.search.runner._LARGE", 1000)
    ground = place()
    assert "GB as numbers" in decide(ground.plan.recipe, ground, trials=64).why


def test_few_trials_unknown_settings_and_wishes() -> None:
    ground = place()
    recipe = ground.plan.recipe
    assert "fewer than" in decide(recipe, ground, trials=2).why
    assert "train.ema" in decide(edit(recipe, {"train.ema": 0.9}), ground, trials=64).why
    assert decide(recipe, ground, trials=64, wanted="sequential").engine == "sequential"
    assert decide(recipe, ground, trials=64, wanted="population").engine == "population"
    with pytest.raises(UsageError, match="--engine must be one of"):
        decide(recipe, ground, trials=64, wanted="quantum")


@pytest.mark.parametrize("engine", ["population", "sequential"])
def test_a_crew_keeps_everybodys_place(engine: str) -> None:
    ground = place()
    rates = [1e-3, 2e-3, 3e-3, 4e-3, 5e-3]
    recipes = [edit(ground.plan.recipe, {"optim.learning_rate": rate}) for rate in rates]
    recipes[2:2] = [edit(recipes[0], {"nn.hidden": (5,)}), edit(recipes[0], {"train.ema": 0.5})]
    losses = {}
    whole = Crew(recipes, ground, Decision(engine, "", 4))
    whole.train(1.0)
    for number, (outcome,) in enumerate(whole.outcomes()):
        losses[number] = outcome.scores["loss"]
    halved = Crew(recipes, ground, Decision(engine, "", 4))
    halved.train(0.5)
    halved.keep([0, 2, 3, 6])
    halved.train(1.0)
    kept = [outcome.scores["loss"] for (outcome,) in halved.outcomes()]
    assert kept == pytest.approx([losses[number] for number in (0, 2, 3, 6)], abs=1e-4)
    alone = Crew([recipes[2]], ground, Decision("sequential", ""))
    alone.train(1.0)
    assert losses[2] == pytest.approx(alone.outcomes()[0][0].scores["loss"], abs=1e-4)
