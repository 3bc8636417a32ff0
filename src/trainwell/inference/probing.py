"""Linear probing: a linear classifier on the features at every depth of a network (docs/curriculum.md, P3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainwell.core.errors import DataError
from trainwell.data import Examples, Preparation, read, split
from trainwell.explain import depths, linear_probe
from trainwell.fitting.model_files import read_preparation
from trainwell.fitting.plan import split_seed
from trainwell.fitting.trained_model import load_model
from trainwell.fitting.transfer import Origin, adopt
from trainwell.nn import belongs, head_names
from trainwell.runs import Run

_MOST = 1_000  # maximum number of examples of each split


@dataclass(frozen=True)
class ProbingResult:
    """The accuracy of a linear classifier at every depth.

    Args:
        run: the network's run.
        data: the classified data.
        split: split of the scored examples; classifiers were fitted on the training split.
        accuracies: depth to accuracy, in the order of computation; "input" is the prepared input itself.
        chance: accuracy of the majority-class baseline.
    """

    run: str
    data: str
    split: str
    accuracies: Mapping[str, float]
    chance: float


def probe_layers(run: Run, data: str | None = None) -> ProbingResult:
    """Fit a linear classifier on the features at every depth of a network (Alain and Bengio 2016).

    Args:
        run: a finished run.
        data: data with classes; None for the data of the run.
    Raises:
        DataError: if there are no classes, or no validation split.
    """
    model = load_model(run)
    preparation = read_preparation(run)
    settings = run.recipe
    if data is not None:
        size = preparation.input_shape[-1] if preparation.kind.is_spatial else 0
        recipe = dataclasses.replace(settings.data, source=data, image_size=size, target="", drop=(), group="")
        settings = dataclasses.replace(settings, data=recipe)
    examples = read_again(settings.data, run)
    if data is not None:
        fresh = Preparation.fit(examples, np.arange(len(examples)), recipe=settings.data)
        preparation = adopt(Origin(run, run.recipe, preparation), fresh)
    classes = examples.class_numbers
    splits = split(examples, settings.data, seed=split_seed(settings))
    if classes is None or not len(splits.validation):
        raise DataError(f"{examples.name} must have classes and a validation split to probe layers on.")
    rows = draw(splits.train, settings.seed)
    judged = draw(splits.validation, settings.seed)
    fitted, held = (features_by_depth(model, examples, rows=part, preparation=preparation) for part in (rows, judged))
    y = torch.from_numpy(classes[rows])
    z = torch.from_numpy(classes[judged])
    found = {name: linear_probe((x, y), (held[name], z)) for name, x in fitted.items()}
    chance = float(np.bincount(classes[judged]).max() / len(judged))
    return ProbingResult(str(run.path), settings.data.source, "validation", found, chance)


def prepared(examples: Examples, rows: NDArray[np.int64], *, preparation: Preparation) -> Tensor:
    """Return the prepared inputs of some examples."""
    return torch.from_numpy(preparation.inputs(examples.inputs[rows]))


def features_by_depth(
    model: nn.Module, examples: Examples, *, rows: NDArray[np.int64], preparation: Preparation
) -> dict[str, Tensor]:
    """Return the features of some examples at every depth before the head."""
    found = depths(model, prepared(examples, rows, preparation=preparation))
    heads = head_names(model)
    return {name: x for name, x in found.items() if not belongs(name, heads)}


def read_again(recipe: Any, run: Run) -> Examples:
    """Read the data of a run, whose path may be relative to the folder where it was started."""
    there = Path(str(run.meta.get("folder", ""))) / recipe.source
    source = str(there) if there.exists() and not Path(recipe.source).exists() else recipe.source
    if source in ("arrays", "loaders"):
        raise DataError(f"The data of {run.path} were given from Python and cannot be read again. Give data on disk.")
    return read(dataclasses.replace(recipe, source=source))


def draw(rows: NDArray[np.int64], seed: int, *, most: int = _MOST) -> NDArray[np.int64]:
    """Draw a random sample of the rows, sorted."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
