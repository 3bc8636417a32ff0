"""All mistakes at once, each with what was received, what was expected and the nearest valid name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.errors import RecipeError
from trainwell.fitting import choices
from trainwell.recipe.check import check_combinations, check_values, parse_assignment
from trainwell.recipe.edit import edit
from trainwell.recipe.schema import SETTINGS, Recipe

NAMES = {"optimizer": ["sgd", "adamw"]}


def complain(values, **more) -> str:
    with pytest.raises(RecipeError) as caught:
        check_values(values, **more)
    return str(caught.value)


def test_every_mistake_is_reported_at_once() -> None:
    message = complain({"train.epochs": 0, "optim.learning_rte": 1, "seed": "x", "optim.name": "sdg"}, catalogues=NAMES)
    assert "4 mistakes" in message
    assert "train.epochs must be at least 1" in message
    assert "Did you mean 'optim.learning_rate'?" in message
    assert "seed must be a whole number, got 'x'." in message
    assert "Did you mean 'sgd'?" in message


def test_a_place_stands_in_front() -> None:
    assert complain({"seed": -1}, places={"seed": "r.toml, line 3"}).startswith("r.toml, line 3: seed must be")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("train.epochs", True, "a whole number"),
        ("train.epochs", 1.5, "a whole number"),
        ("optim.learning_rate", "fast", "a number"),
        ("optim.learning_rate", float("nan"), "greater than 0"),
        ("optim.learning_rate", 0, "greater than 0"),
        ("optim.learning_rate", 10**400, "greater than 0"),
        ("seed", 10**400, "at most"),
        ("optim.nesterov", 1, "true or false"),
        ("nn.hidden", ["a"], "a list of whole numbers"),
        ("nn.hidden", [0], "at least 1"),
        ("nn.dropout", 1.0, "less than 1"),
        ("nn.dropconnect", -0.1, "at least 0"),
        ("optim.max_norm", 0, "greater than 0"),
        ("optim.max_norm", float("nan"), "greater than 0"),
        ("optim.batch_scaling", "square", "'sqrt'"),
        ("data.prepare", "standardize", "Did you mean 'standardise'?"),
        ("data.source", 3, "text in quotes"),
        ("lr", 0.1, "optim.learning_rate"),
        ("optim.foo", 1, "Settings of [optim]"),
        ("completely.wrong", 1, "trainwell recipe"),
    ],
)
def test_a_sentence_says_what_is_expected(key, value, words) -> None:
    assert words in complain({key: value})


def test_numbers_are_read_by_the_type_of_the_setting() -> None:
    assert check_values({"optim.learning_rate": 1, "train.epochs": 2.0, "nn.hidden": 32}) == {
        "optim.learning_rate": 1.0,
        "train.epochs": 2,
        "nn.hidden": (32,),
    }


def test_assignments_are_toml_or_plain_words() -> None:
    assert parse_assignment("nn.hidden=[64, 32]") == ("nn.hidden", [64, 32])
    assert parse_assignment("data.flip=true") == ("data.flip", True)
    assert parse_assignment("data.source=my data.csv") == ("data.source", "my data.csv")
    with pytest.raises(RecipeError, match="key=value"):
        parse_assignment("epochs")


@given(st.dictionaries(st.sampled_from(list(SETTINGS)) | st.text(max_size=12), st.integers() | st.text() | st.floats()))
def test_nothing_but_a_recipe_error_ever_escapes(values) -> None:
    try:
        check_values(values)
    except RecipeError as problem:
        assert len(problem.mistakes) <= len(values)


def test_all_senseless_pairs_are_named_at_once_and_defaults_make_sense() -> None:
    check_combinations(Recipe(), choices())
    edits = {"optim.schedule": "step", "train.epochs": 10, "nn.normalisation": "batch", "train.batch_size": 1}
    with pytest.raises(RecipeError) as caught:
        check_combinations(edit(Recipe(), edits | {"optim.name": "lbfgs", "train.clip_norm": 1}), choices())
    assert len(caught.value.mistakes) == 3


def test_no_limit_is_infinity_and_is_kept() -> None:
    assert check_values({"optim.max_norm": float("inf")}) == {"optim.max_norm": float("inf")}
