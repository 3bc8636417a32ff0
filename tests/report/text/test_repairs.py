from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, edit, parse_assignment, to_toml, unflatten
from trainwell.repairs import REPAIRS
from trainwell.report.text.repairs import Cure, cures


def finding(*remedies: str) -> Finding:
    return Finding("r", Severity.ERROR, "t", remedies=remedies)


@pytest.mark.parametrize("name", REPAIRS)
def test_every_cure_can_be_typed_in(name: str) -> None:
    """What stands behind `--set` leads to the very recipe the repair makes."""
    settings = {"nn.dropout": 0.1, "train.clip_norm": 2.0, "nn.hidden": (64, 64), "data.prepare": "none"}
    settings |= {"nn.activation": "tanh", "nn.initialisation": "normal"}
    recipe = unflatten(settings)
    (cure,) = cures(finding(name), to_toml(recipe))
    assert cure.title == REPAIRS[name].title and " → " in cure.change
    options = cure.options.replace("'", "").split(" ")
    assert options[::2] == ["--set"] * (len(options) // 2)
    typed = edit(recipe, dict(map(parse_assignment, options[1::2])))
    assert typed == REPAIRS[name].edit(recipe, finding(name))


def test_a_cure_that_changes_nothing_more_is_left_out() -> None:
    assert cures(finding("gelu_activation"), to_toml(edit(Recipe(), {"nn.activation": "gelu"}))) == []


@pytest.mark.parametrize("text", ["", "  ", "not toml [", "[nn]\nnothing = 1"])
def test_without_a_readable_recipe_a_cure_is_a_sentence(text: str) -> None:
    assert cures(finding("lower_rate"), text) == [Cure(REPAIRS["lower_rate"].title)]


def test_a_cure_nobody_knows_is_shown_by_its_name() -> None:
    assert cures(finding("zero_the_gradients"), "") == [Cure("Zero the gradients.")]
