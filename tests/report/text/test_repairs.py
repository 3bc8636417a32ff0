from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.fitting import choices
from trainwell.recipe import Recipe, edit, parse_assignment, to_toml, unflatten
from trainwell.repairs import REPAIRS
from trainwell.report.text.repairs import RepairText, repair_texts


def finding(*remedies: str) -> Finding:
    return Finding("r", Severity.ERROR, "t", remedies=remedies)


@pytest.mark.parametrize("name", REPAIRS)
def test_every_repair_can_be_typed_in(name: str) -> None:
    """What stands behind `--set` leads to the very recipe the repair makes."""
    settings = {"nn.dropout": 0.1, "train.clip_norm": 2.0, "nn.hidden": (64, 64), "data.prepare": "none"}
    settings |= {"nn.activation": "tanh", "nn.initialisation": "normal"}
    recipe = unflatten(settings)
    (repair,) = repair_texts(finding(name), recipe_text=to_toml(recipe))
    assert repair.title == REPAIRS[name].title and " → " in repair.change
    options = repair.options.replace("'", "").split(" ")
    assert options[::2] == ["--set"] * (len(options) // 2)
    typed = edit(recipe, dict(map(parse_assignment, options[1::2])))
    assert typed == REPAIRS[name].apply(recipe, finding(name), choices=choices())


def test_a_repair_that_changes_nothing_more_is_left_out() -> None:
    assert (
        repair_texts(finding("gelu_activation"), recipe_text=to_toml(edit(Recipe(), {"nn.activation": "gelu"}))) == []
    )


@pytest.mark.parametrize("text", ["", "  ", "not toml [", "[nn]\nnothing = 1"])
def test_without_a_readable_recipe_a_repair_is_a_sentence(text: str) -> None:
    assert repair_texts(finding("lower_rate"), recipe_text=text) == [RepairText(REPAIRS["lower_rate"].title)]


def test_an_unknown_repair_is_shown_by_its_name() -> None:
    assert repair_texts(finding("zero_the_gradients")) == [RepairText("Zero the gradients.")]


def test_the_change_in_the_code_comes_first_where_there_is_no_recipe() -> None:
    fault = Finding("missing_zero_grad", Severity.ERROR, "t", remedies=("lower_rate",))
    in_code, in_recipe = repair_texts(fault)
    assert in_code.title.startswith("Call `optimizer.zero_grad()`") and in_recipe.title == REPAIRS["lower_rate"].title
    assert [repair.title for repair in repair_texts(fault, recipe_text="seed = 1")] == [REPAIRS["lower_rate"].title]
