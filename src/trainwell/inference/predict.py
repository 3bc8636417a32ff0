"""Predictions of a trained network on new inputs, prepared exactly as in training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.core.batch import Batch, examples_at_once
from trainwell.core.contracts.outputs import Outputs, join_outputs
from trainwell.core.errors import DataError
from trainwell.core.files import plain
from trainwell.data import read_inputs
from trainwell.data.augment.crops import averaged
from trainwell.fitting.build import EVALUATION_BATCH
from trainwell.fitting.trained_model import load_model, load_task, open_run
from trainwell.runs import Run
from trainwell.tasks import Task


@dataclass(frozen=True)
class Predicted:
    """Predictions for new inputs.

    Args:
        ids: a name for each input: its row or its file.
        values: (inputs,) labels or numbers; (inputs, k) where the task has several.
        confidence: (inputs,) probability of the predicted class; None where the task has no classes.
        probabilities: (inputs, classes), or None.
        labels: names of the classes, in the order of the probabilities.
    """

    ids: Sequence[str]
    values: list[Any]
    confidence: list[float] | None
    probabilities: list[list[float]] | None
    labels: tuple[str, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Return one plain object per input, in the shape `predict --json` prints."""
        rows: list[dict[str, Any]] = []
        for number, (name, value) in enumerate(zip(self.ids, self.values, strict=True)):
            row = {"id": name, "prediction": value}
            if self.confidence is not None:
                row["confidence"] = self.confidence[number]
            if self.probabilities is not None:
                row["probabilities"] = dict(zip(self.labels, self.probabilities[number], strict=True))
            rows.append(row)
        return rows


def predict(
    run: Run | str | os.PathLike[str], inputs: Any, *, network: nn.Module | None = None, crops: int = 1
) -> Predicted:
    """Predict on new inputs with the network of a run.

    Args:
        run: a run or its folder.
        inputs: a path (table, image, folder, idx, .npz), a bundled data set, or raw inputs: an array, a table, texts.
        network: the architecture, for a run whose network was given from Python.
        crops: for images; 10 averages over corners, centre and their mirror images, 50 over five scales of them [B7].
    Raises:
        StorageError: if the run has no trained network.
        DataError: if the inputs do not match the network; the message names a missing column.

    >>> import tempfile
    >>> from trainwell.fitting import fit
    >>> run = fit("iris", epochs=2, runs=tempfile.mkdtemp())
    >>> len(predict(run, "iris").values)
    150
    """
    opened = run if isinstance(run, Run) else open_run(run)
    recipe, preparation, task = load_task(opened)
    model = load_model(opened, network)
    ids: Sequence[str]
    if isinstance(inputs, (str, os.PathLike)):
        raw, ids = read_inputs(os.fspath(inputs), preparation, recipe=recipe.data)
    else:
        raw = preparation.kind.given(inputs)
        ids = [f"row {number}" for number in range(len(raw))]
    if not len(ids):
        what = plain(os.fspath(inputs)) if isinstance(inputs, (str, os.PathLike)) else "The array"
        raise DataError(f"{what} has no examples to predict. Give at least one.")
    preparation.kind.check_new(raw, ids=ids)
    whole = preparation.batch(raw)
    size = examples_at_once(whole.inputs.shape[1:], most=EVALUATION_BATCH)
    with torch.no_grad():
        blocks = [whole.slice(start, start + size) for start in range(0, len(whole), size)]
        outputs = join_outputs(torch.cat, [_outputs(task, model, batch=block, crops=crops) for block in blocks])
    answer = task.predict(outputs)
    return Predicted(
        ids=ids,
        values=[task.value(value) for value in answer.values],
        confidence=None if answer.confidence is None else answer.confidence.tolist(),
        probabilities=None if answer.probabilities is None else answer.probabilities.tolist(),
        labels=task.labels,
    )


def _outputs(task: Task, model: nn.Module, *, batch: Batch, crops: int) -> Outputs:
    """Return the outputs of one batch, averaged over crops of its images."""

    def forward(inputs: Tensor) -> Outputs:
        return task.forward(model, batch.replace(inputs=inputs))

    return averaged(forward, batch.inputs, task=task, crops=crops)
