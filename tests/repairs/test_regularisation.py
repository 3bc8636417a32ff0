from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.fitting import choices
from trainwell.recipe import Recipe, edit
from trainwell.repairs import REPAIRS
from trainwell.repairs.regularisation import early_stopping, less_regularisation, more_dropout, more_weight_decay

FINDING = Finding("any", Severity.ERROR, "")


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.2), (0.2, 0.4), (0.4, 0.5), (0.5, 0.5), (0.8, 0.8)])
def test_more_dropout(before: float, after: float) -> None:
    assert more_dropout(edit(Recipe(), {"nn.dropout": before}), FINDING).nn.dropout == after


def test_a_network_without_a_place_for_dropout_gets_none() -> None:
    recipe = edit(Recipe(), {"nn.model": "logistic"})
    assert REPAIRS["more_dropout"].apply(recipe, FINDING, choices=choices()) == recipe


@pytest.mark.parametrize(
    ("optimizer", "before", "after"), [("sgd", 0.0, 1e-4), ("adamw", 0.0, 0.01), ("sgd", 0.1, 0.3)]
)
def test_more_weight_decay(optimizer: str, before: float, after: float) -> None:
    recipe = edit(Recipe(), {"optim.name": optimizer, "optim.weight_decay": before})
    assert more_weight_decay(recipe, FINDING).optim.weight_decay == pytest.approx(after)


@pytest.mark.parametrize(("before", "after"), [(0, 6), (10, 5), (3, 2), (2, 2), (1, 1)])
def test_early_stopping(before: int, after: int) -> None:
    recipe = edit(Recipe(), {"train.patience": before, "train.epochs": 30})
    assert early_stopping(recipe, FINDING).train.patience == after


def test_less_regularisation_ends_at_none() -> None:
    recipe = edit(Recipe(), {"nn.dropout": 0.08, "optim.weight_decay": 0.1})
    cured = less_regularisation(recipe, FINDING)
    assert (cured.nn.dropout, cured.optim.weight_decay) == (0.0, pytest.approx(0.01))
