"""Every optimizer of the catalogue has a page and usual settings, and uses settings that exist."""

from __future__ import annotations

import inspect

import pytest

from trainwell.optim import OPTIMIZERS
from trainwell.recipe import check_values
from trainwell.recipe.schema import SETTINGS


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_an_entry_has_a_page_and_valid_usual_settings(name: str) -> None:
    entry = OPTIMIZERS[name]
    assert "Formula:" in (inspect.getdoc(entry.build) or "")
    assert check_values({key: value for key, (value, _) in entry.usual.items()})["optim.learning_rate"] > 0
    assert all(reason for _, reason in entry.usual.values())
    assert entry.choice(name).uses <= set(SETTINGS)
    assert {*entry.refuses, *entry.needs} <= set(SETTINGS)
    assert not entry.like or entry.like in OPTIMIZERS
