"""Baselines without a network: the best constant, and a linear model. A network must beat both.

The linear model is scikit-learn's logistic or ridge regression with its default penalty, fitted on at most 2,000
training examples.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trainwell.core.batch import Batch
from trainwell.core.contracts.task import Scores, Task

Array = npt.NDArray[Any]
Row = tuple[str, Scores]

_EXAMPLES = 2000  # fitting a linear model to this many examples of thousands of pixels takes about a second
_ITERATIONS = 200


def constant(task: Task, name: str, *, outputs: Array, targets: Array) -> Row:
    """Evaluate the same outputs for every example.

    Args:
        task: gives the scores.
        name: name of the baseline.
        outputs: (outputs,) of one example.
        targets: prepared targets of the split to evaluate on.
    """
    return name, _scores(task, np.broadcast_to(outputs, (len(targets), len(outputs))), targets=targets)


def logistic_regression(task: Task, train: tuple[Array, Array], *, test: tuple[Array, Array]) -> list[Row]:
    """Evaluate scikit-learn's logistic regression; empty if all training examples have one class.

    Args:
        task: returns one logit for each class, or the one logit of the second of two.
        train: inputs and class numbers.
        test: inputs and class numbers of the split to evaluate on.
    """
    from sklearn.linear_model import LogisticRegression

    x, y, thinned = _few(train)
    if len(np.unique(y)) < 2:
        return []
    model = LogisticRegression(max_iter=_ITERATIONS)
    found = _fit(model, x, y=y).decision_function(_flat(test[0]))
    if task.outputs == 1:
        outputs = found[:, None]
    else:
        outputs = np.full((len(found), task.outputs), -1e9)
        outputs[:, model.classes_] = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    return [(f"logistic regression{thinned}", _scores(task, outputs, targets=test[1]))]


def linear_regression(task: Task, train: tuple[Array, Array], *, test: tuple[Array, Array]) -> list[Row]:
    """Evaluate scikit-learn's ridge regression.

    Args:
        task: returns the numbers themselves.
        train: inputs and numbers.
        test: inputs and numbers of the split to evaluate on.
    """
    from sklearn.linear_model import Ridge

    x, y, thinned = _few(train)
    x_test = _flat(test[0])
    outputs = _fit(Ridge(), x, y=y).predict(x_test).reshape(len(x_test), -1)
    return [(f"linear regression{thinned}", _scores(task, outputs, targets=test[1]))]


def _few(train: tuple[Array, Array]) -> tuple[Array, Array, str]:
    """Return at most 2,000 examples, and a note for the name of the baseline."""
    count = len(train[0])
    chosen = np.linspace(0, count - 1, min(_EXAMPLES, count)).astype(int)
    said = f", fitted on {len(chosen):,} examples" if len(chosen) < count else ""
    return _flat(train[0][chosen]), train[1][chosen], said


def _flat(inputs: Array) -> Array:
    return inputs.reshape(len(inputs), -1)


def _fit(model: Any, x: Array, *, y: Array) -> Any:
    from threadpoolctl import threadpool_limits

    with (
        warnings.catch_warnings(),
        threadpool_limits(1),
    ):  # small matrices: synchronising threads costs more than it saves
        warnings.simplefilter("ignore")  # a baseline does not need full convergence
        return model.fit(x, y)


def _scores(task: Task, outputs: Array, *, targets: Array) -> Scores:
    tally = task.tally()
    batch = Batch({"inputs": torch.empty(len(targets), 0), "targets": torch.from_numpy(targets)})
    tally.add(torch.tensor(outputs), batch)
    return tally.scores()
