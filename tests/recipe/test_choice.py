"""The keyword-only arguments of a builder are the settings it uses."""

from __future__ import annotations

import pytest

from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts
from trainwell.recipe import Choice, Recipe, arguments, edit, keys_of


def build(anything: object, *, epochs: int, momentum: float) -> None:
    """Stand for a builder."""


def test_settings_are_found_in_the_first_section_that_has_them() -> None:
    assert keys_of(build, sections=["optim", "train"]) == ("train.epochs", "optim.momentum")
    recipe = edit(Recipe(), {"train.epochs": 3, "optim.momentum": 0.5})
    assert arguments(build, recipe, sections=["optim", "train"]) == {"epochs": 3, "momentum": 0.5}


def test_an_argument_that_is_no_setting_is_refused() -> None:
    with pytest.raises(UsageError, match="must be settings, got 'epochs'.*register_section"):
        keys_of(build, sections=["optim"])


def test_a_choice_that_says_nothing_uses_refuses_and_recommends_nothing() -> None:
    choice = Choice()
    assert not choice.uses and choice.usual(Facts(), {}) == {} and list(choice.relation({})) == []
