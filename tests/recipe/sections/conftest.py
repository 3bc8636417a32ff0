"""What the tests of the sections share."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from trainwell.core.errors import RecipeError
from trainwell.fitting import choices
from trainwell.recipe import Recipe, edit
from trainwell.recipe.check import check_combinations


@pytest.fixture
def the_mistake() -> Callable[[Mapping[str, object]], str]:
    """Return what checks the defaults with some edits and returns the only mistake found."""

    def mistake(edits: Mapping[str, object]) -> str:
        with pytest.raises(RecipeError) as caught:
            check_combinations(edit(Recipe(), edits), choices())
        assert len(caught.value.mistakes) == 1
        return caught.value.mistakes[0]

    return mistake
