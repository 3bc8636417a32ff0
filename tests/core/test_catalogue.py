"""Lookups that fail help."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.catalogue import Catalogue, nearest
from trainwell.core.errors import UnknownNameError, UsageError

FRUIT = Catalogue("fruit", {"apple": 1, "banana": 2})


def test_a_catalogue_is_a_mapping() -> None:
    assert list(FRUIT) == ["apple", "banana"]
    assert FRUIT["apple"] == 1
    assert "pear" not in FRUIT
    assert len(FRUIT) == 2


def test_an_entry_is_registered_once_and_its_name_is_suggested() -> None:
    catalogue = Catalogue("fruit", {"apple": 1})
    catalogue.register("cherry", 3)
    assert catalogue["cherry"] == 3 and list(catalogue) == ["apple", "cherry"]
    with pytest.raises(UsageError, match="'cherry' is registered already"):
        catalogue.register("cherry", 4)
    with pytest.raises(UnknownNameError, match="Did you mean 'cherry'"):
        catalogue["chery"]


def test_an_unknown_name_is_answered_with_the_nearest_alone() -> None:
    with pytest.raises(UnknownNameError) as caught:
        FRUIT["aple"]
    assert str(caught.value) == "Unknown fruit 'aple'. Did you mean 'apple'?"


def test_a_long_list_is_left_to_the_command_that_prints_it() -> None:
    names = {f"rule_{number}": number for number in range(70)}
    with pytest.raises(UnknownNameError) as caught:
        Catalogue("rule", names, listing="trainwell rules")["nothing like it"]
    assert str(caught.value) == "Unknown rule 'nothing like it'. List all: trainwell rules"


def test_a_former_name_is_found_but_not_listed() -> None:
    renamed = Catalogue("fruit", {"apple": 1, "banana": 2}, aliases={"malus": "apple"})
    assert renamed["malus"] == 1
    assert "malus" in renamed
    assert list(renamed) == ["apple", "banana"]
    assert renamed.current("malus") == "apple"
    assert renamed.current("banana") == "banana"


def test_nothing_near_gives_no_hint() -> None:
    with pytest.raises(UnknownNameError) as caught:
        FRUIT["xyzzy"]
    assert str(caught.value) == "Unknown fruit 'xyzzy'. Valid names: apple, banana."


@given(st.text())
def test_nearest_is_always_one_of_the_names(text: str) -> None:
    assert nearest(text, ["apple", "banana"]) in {None, "apple", "banana"}
