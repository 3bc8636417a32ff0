"""What is reached without a network: the most frequent answer, and a linear model. A network must beat both."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from trainwell.core.batch import Batch
from trainwell.tasks.classify import Classify
from trainwell.tasks.regress import Regress
from trainwell.tasks.task import Task

Array = npt.NDArray[Any]
Row = tuple[str, dict[str, float]]

_EXAMPLES = 2000  # a linear model of thousands of pixels is fitted in about a second on so many
_ITERATIONS = 200


def baselines(task: Task, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[Row]:
    """Score the best constant answer and a linear model on a split.

    The linear model is scikit-learn's logistic or ridge regression with its default penalty, fitted on at
    most 2,000 training examples.

    Args:
        task: "classify", "binary" or "regress"; other tasks get the constant only.
        train: inputs (examples, ...) as the network sees them, and targets.
        test: the split to be scored on, likewise.
    Returns:
        (name, scores) of each baseline, simplest first.
    """
    if task.name in ("one_vs_rest", "one_vs_one"):
        task = Classify(classes=task.classes)  # type: ignore[attr-defined]
    return [_constant(task, train[1], test[1]), *_linear(task, train, test)]


def _constant(task: Task, train: Array, test: Array) -> Row:
    """Answer what is best without looking at the input."""
    if task.name == "classify":
        classes: int = task.classes  # type: ignore[attr-defined]
        outputs = np.eye(classes)[np.bincount(train, minlength=classes).argmax()]
        name = "most frequent class"
    elif isinstance(task, Regress):
        outputs, name = train.reshape(len(train), -1).mean(axis=0), "mean"
    else:
        outputs, name = np.atleast_1d(train.mean(axis=0) - 0.5), "most frequent answer"
    return name, _scores(task, np.broadcast_to(outputs, (len(test), len(outputs))), test)


def _linear(task: Task, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[Row]:
    if task.name == "multilabel":
        return []
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    chosen = np.linspace(0, len(train[0]) - 1, min(_EXAMPLES, len(train[0]))).astype(int)
    x, y = train[0][chosen].reshape(len(chosen), -1), train[1][chosen]
    if task.name != "regress" and len(np.unique(y)) < 2:
        return []
    model = Ridge() if task.name == "regress" else LogisticRegression(max_iter=_ITERATIONS)
    with warnings.catch_warnings(), threadpool_limits(1):  # small matrices: hand-overs cost more than they give
        warnings.simplefilter("ignore")  # an early stop of the solver is good enough for a baseline
        model.fit(x, y)
    x_test = test[0].reshape(len(test[0]), -1)
    if task.name == "regress":
        outputs = model.predict(x_test).reshape(len(x_test), -1)
    elif task.name == "binary":
        outputs = model.decision_function(x_test)[:, None]
    else:
        outputs = np.full((len(x_test), task.classes), -1e9)  # type: ignore[attr-defined]
        found = model.decision_function(x_test)
        outputs[:, model.classes_] = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    of = f", fitted on {len(chosen):,} examples" if len(chosen) < len(train[0]) else ""
    name = "linear regression" if task.name == "regress" else "logistic regression"
    return [(name + of, _scores(task, outputs, test[1]))]


def _scores(task: Task, outputs: Array, targets: Array) -> dict[str, float]:
    tally = task.tally()
    batch = Batch({"inputs": torch.empty(len(targets), 0), "targets": torch.from_numpy(targets)})
    tally.add(torch.tensor(outputs), batch)
    return tally.scores()
