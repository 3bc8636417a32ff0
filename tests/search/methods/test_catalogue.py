"""The catalogue of search methods."""

from __future__ import annotations

import pytest

from trainwell.core.errors import UsageError
from trainwell.search.methods.catalogue import METHODS, default_method


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'sobol'"):
        METHODS["soboll"]


def test_halving_is_the_default_where_its_rungs_differ() -> None:
    assert default_method(trials=9, epochs=3) == "halving"
    assert default_method(trials=8, epochs=3) == default_method(trials=9, epochs=2) == "sobol"
