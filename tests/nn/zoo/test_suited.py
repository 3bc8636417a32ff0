from __future__ import annotations

from trainwell.core.facts import Facts
from trainwell.nn.zoo.suited import normalised, residual_rate, unnormalised


def facts(examples: int) -> Facts:
    return Facts(model="net", sizes={"train": examples})


def test_networks_without_normalisation_get_small_steps_and_bounded_gradients() -> None:
    usual = unnormalised(dropout=0.5)(facts(100), {})
    assert usual["optim.learning_rate"][0] == 2e-4 and usual["train.clip_norm"][0] == 1.0
    assert usual["nn.dropout"] == (0.5, "as in the paper of net")


def test_fewer_examples_mean_smaller_batches_and_steps() -> None:
    rates = [residual_rate(examples) for examples in (200, 2000, 9000)]
    assert rates == sorted(set(rates))
    few, many = (normalised()(facts(examples), {}) for examples in (200, 9000))
    assert few["train.batch_size"][0] < many["train.batch_size"][0]
    assert few["optim.learning_rate"][0] < many["optim.learning_rate"][0]
    assert "nn.dropout" not in few and normalised(dropout=0.2)(facts(1), {})["nn.dropout"][0] == 0.2
