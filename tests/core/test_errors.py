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


@pytest.mark.parametrize(
    ("rate", "usual", "advised"),
    [(0.5, None, "0.05"), (1e-3, None, "0.0001"), (1e9, None, "0.1"), (1e9, 2e-4, "0.0002"), (1e-3, 2e-3, "0.0001")],
)
def test_a_lower_learning_rate_is_recommended_that_may_work(rate, usual, advised) -> None:
    problem = errors.DivergedError("It diverged.", learning_rate=rate)
    if usual:
        problem.recommend(usual)
    assert f"The learning rate was {rate:.3g}: try --set optim.learning_rate={advised}," in str(problem)


def test_without_a_learning_rate_there_is_none_to_lower() -> None:
    problem = errors.DivergedError("Every trial diverged.")
    problem.recommend(0.1)
    assert str(problem) == "Every trial diverged."


def test_the_tree_in_the_docstring_names_every_class() -> None:
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, errors.TrainwellError):
            assert name in errors.__doc__
