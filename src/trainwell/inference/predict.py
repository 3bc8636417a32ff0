"""Predictions of a trained network on new inputs, prepared exactly as in training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from trainwell.core.batch import examples_at_once
from trainwell.core.errors import DataError
from trainwell.core.files import plain
from trainwell.core.outputs import join_outputs
from trainwell.data import as_inputs, read_inputs
from trainwell.data.augment.crops import averaged
from trainwell.fitting.build import EVALUATION_BATCH
from trainwell.fitting.trained_model import load_model, load_task, open_run
from trainwell.runs import Run


@dataclass(frozen=True)
class Predicted:
    """What a network says about new inputs.

    Args:
        ids: a name for each input: its row or its file.
        values: (inputs,) labels or numbers; (inputs, k) where the task has several.
        confidence: (inputs,) probability of the predicted class; None where the task has none.
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
    run: Run | str | os.PathLike[str], inputs: Any, network: nn.Module | None = None, *, crops: int = 1
) -> Predicted:
    """Predict on new inputs with the network of a run.

    Args:
        run: a run, or its folder.
        inputs: a path (table, picture, folder, idx, .npz), a bundled name, or an array of raw inputs.
        network: the architecture, for a run whose network was given from Python.
        crops: 10 averages over corners, centre and their mirror images of pictures, 50 over five scales of them [B7].
    Raises:
        StorageError: if the run has no trained network.
        DataError: if the inputs do not fit the network; a missing column is named.

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
        raw, ids = read_inputs(os.fspath(inputs), preparation, recipe.data)
    else:
        raw = as_inputs(inputs)
        ids = [f"row {number}" for number in range(len(raw))]
    if not len(ids):
        what = plain(os.fspath(inputs)) if isinstance(inputs, (str, os.PathLike)) else "The array"
        raise DataError(f"{what} holds no examples to predict on. Give at least one.")
    preparation.kind.check_new(raw, ids=ids)
    prepared = torch.from_numpy(preparation.inputs(raw))
    with torch.no_grad():
        blocks = torch.split(prepared, examples_at_once(prepared.shape[1:], most=EVALUATION_BATCH))
        outputs = join_outputs(torch.cat, [averaged(model, part, task, crops) for part in blocks])
    answer = task.predict(outputs)
    return Predicted(
        ids=ids,
        values=[task.value(value) for value in answer.values],
        confidence=None if answer.confidence is None else answer.confidence.tolist(),
        probabilities=None if answer.probabilities is None else answer.probabilities.tolist(),
        labels=task.labels,
    )
