"""A declaration keeps everything that is said of a setting beside its default."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from trainwell.recipe.sections.setting import DECLARED, Limits, Note, OnlyWith, setting


@dataclass(frozen=True)
class Section:
    rate: float = setting(0.5, "a rate", limits=Limits(low=0), unit="steps", note=Note(use="always"))


def test_a_setting_is_a_field_with_its_declaration() -> None:
    (field,) = fields(Section)
    declared = field.metadata[DECLARED]
    assert Section().rate == 0.5
    assert (declared.meaning, declared.unit, declared.note.use) == ("a rate", "steps", "always")
    assert declared.population == "alone" and declared.only_with is None


@pytest.mark.parametrize(
    ("limits", "value", "allowed"),
    [
        (Limits(low=0, above=True), 0.0, False),
        (Limits(low=0), 0.0, True),
        (Limits(low=0, high=1, below=True), 1.0, False),
        (Limits(low=1), (1, 0), False),
        (Limits(words=("a", "b")), "c", False),
        (Limits(), float("nan"), False),
        (Limits(), float("inf"), False),
    ],
)
def test_limits(limits: Limits, value, allowed: bool) -> None:
    assert limits.allow(value) is allowed


def test_an_upper_limit_that_nobody_meets_is_named_only_to_who_exceeds_it() -> None:
    limits = Limits(low=1, high=2**31)
    assert limits.describe() == limits.describe(0) == "at least 1"
    assert limits.describe(2**40) == limits.describe((1, 2**40)) == "at least 1 and at most 2,147,483,648"
    assert Limits(low=0, high=8).describe(-1) == "at least 0 and at most 8"


def test_a_dependency_without_values_is_for_the_chosen_name_to_say() -> None:
    assert OnlyWith("optim.name").by_choice
    assert (
        not OnlyWith("data.prepare", names=("whiten_pca",)).by_choice and not OnlyWith("nn.dropout", off=0.0).by_choice
    )
