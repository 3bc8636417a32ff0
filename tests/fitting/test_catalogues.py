"""The catalogues know every name a setting may have, those registered later included."""

from __future__ import annotations

from trainwell.fitting.catalogues import CATALOGUES, CUSTOM, catalogues, choices
from trainwell.recipe.schema import SETTINGS


def test_every_catalogue_a_setting_names_exists_and_holds_its_default() -> None:
    for entry in SETTINGS.values():
        if entry.limits.catalogue:
            assert entry.default in CATALOGUES[entry.limits.catalogue]


def test_a_network_from_python_has_a_name_only_where_there_is_one() -> None:
    assert CUSTOM in catalogues(custom=True)["model"] and CUSTOM not in catalogues(custom=False)["model"]


def test_choices_name_settings_that_exist() -> None:
    for key, named in choices().items():
        listed = {name for name in named if not name.endswith(":")}  # a prefix stands for many names
        assert listed == set(CATALOGUES[SETTINGS[key].limits.catalogue])
        assert all(choice.uses <= set(SETTINGS) for choice in named.values())
