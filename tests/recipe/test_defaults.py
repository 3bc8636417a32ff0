"""Defaults are valid settings with a reason, for every kind of data."""

from __future__ import annotations

import pytest

from trainwell.core.facts import Facts
from trainwell.fitting import choices
from trainwell.recipe.check import check_values
from trainwell.recipe.defaults import preset

CASES = [
    Facts(kind=kind, task=task, input_shape=shape, sizes={"train": size})
    for kind, shape in [("table", ()), ("array", (5,)), ("image", (1, 8, 8)), ("image", (1, 28, 28)),
                        ("image", (3, 32, 32)), ("image", (3, 224, 224))]
    for task in ("classify", "binary", "regress")
    for size in (20, 1000, 60_000)
]  # fmt: skip


@pytest.mark.parametrize("facts", CASES, ids=lambda f: f"{f.kind}-{f.input_shape}-{f.task}-{f.sizes['train']}")
def test_a_preset_is_valid_and_explains_itself(facts: Facts) -> None:
    chosen = preset(facts, choices())
    check_values({key: value for key, (value, _) in chosen.items()})
    assert all(reason for _, reason in chosen.values())
    assert chosen["task.name"][0] == facts.task


@pytest.mark.parametrize("model", ["vgg16", "resnet50", "googlenet", "mobilenet"])
@pytest.mark.parametrize("size", [40, 60_000])
def test_a_network_asked_for_gets_what_suits_it(model: str, size: int) -> None:
    chosen = preset(
        Facts(kind="image", task="classify", input_shape=(3, 64, 64), model=model, sizes={"train": size}), choices()
    )
    check_values({key: value for key, (value, _) in chosen.items()})
    rate = chosen["optim.learning_rate"][0]
    assert (rate < 1e-3) == (model in ("vgg16", "googlenet"))


def test_few_examples_mean_smaller_steps_of_a_network_with_batch_normalisation() -> None:
    facts = [
        Facts(kind="image", input_shape=(3, 32, 32), model="resnet9", sizes={"train": n}) for n in (200, 2000, 9000)
    ]
    rates = [preset(known, choices())["optim.learning_rate"][0] for known in facts]
    assert rates == sorted(set(rates))


def test_more_data_means_fewer_epochs() -> None:
    few, many = (
        preset(Facts(sizes={"train": size}, task="classify"), choices())["train.epochs"][0] for size in (100, 100_000)
    )
    assert few > many >= 5
