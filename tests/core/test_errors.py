"""Errors carry their exit codes and say everything in their message."""

from __future__ import annotations

import pytest

from trainwell.core import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.TrainwellError, 3),
        (errors.UsageError, 2),
        (errors.UnknownNameError, 2),
        (errors.DataError, 65),
        (errors.ShapeError, 65),
        (errors.StorageError, 74),
        (errors.LockedError, 74),
        (errors.DamagedError, 74),
        (errors.DivergedError, 3),
    ],
)
def test_exit_codes(kind, code) -> None:
    assert kind("message").exit_code == code


def test_a_signal_gives_the_shells_exit_code() -> None:
    assert errors.Interrupted(15, "stopped").exit_code == 143
    assert errors.Interrupted(2, "stopped").exit_code == 130


def test_one_mistake_is_one_sentence() -> None:
    assert str(errors.RecipeError(["seed must be a whole number, got 'x'."])) == "seed must be a whole number, got 'x'."
    assert errors.RecipeError([]).exit_code == 2


def test_the_tree_in_the_docstring_names_every_class() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.TrainwellError):
            assert name in errors.__doc__
