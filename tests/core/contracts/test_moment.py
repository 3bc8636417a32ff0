"""A moment is a plain tuple of what a probe may see."""

from __future__ import annotations

from trainwell.core.contracts.moment import Moment


def test_the_fields_are_the_documented_ones() -> None:
    assert Moment._fields == ("step", "model", "optimizer", "batch", "outputs", "loss", "task")
    for name in Moment._fields:
        assert f"{name}:" in Moment.__doc__
