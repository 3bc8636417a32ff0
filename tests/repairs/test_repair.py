from __future__ import annotations

import dataclasses

import pytest

from trainwell.repairs import REPAIRS


def test_repair_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        REPAIRS["lower_rate"].name = "other"  # type: ignore[misc]
