"""What to take over from a trained network, measured rather than asked (curriculum P2, P3)."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainwell.assemble.build import build_parts
from trainwell.assemble.model import load_model
from trainwell.assemble.plan import gather, plan
from trainwell.assemble.stored import read_preparation
from trainwell.assemble.transfer import Origin, adopt
from trainwell.core.errors import DataError, UsageError
from trainwell.data import Examples, Preparation, read, split
from trainwell.explain import depths, features, frechet, linear_probe
from trainwell.nn import head_names
from trainwell.recipe import Recipe
from trainwell.runs import Run

# Training pictures of a class in ImageNet: 732 to 1,300 (Russakovsky et al. 2015, section 3.1). The networks by which
# the four-case table was made had about as many; fewer than this are little.
MUCH = 1_000
# Fréchet distance over the source's own spread. Measured: two halves of one data set 0.01 to 0.03; Fashion-MNIST
# and MNIST 0.8 to 0.9, either way.
SIMILAR = 0.5
_MOST = 1_000  # examples of each data set that are looked at


@dataclass(frozen=True)
class Advice:
    """The case of the four-case table (similarity x amount of data) and what it recommends.

    Args:
        source: the run.
        distance: of the new data's features from the source data's, see `trainwell.explain.frechet`.
        own_distance: of the source's training data from its own held-out data, for comparison.
        per_class: training examples for each class (all, for regression).
        similar: whether the distance is below `SIMILAR`.
        much: whether there are at least `MUCH` examples for each class.
        case: the case in words.
        recommendation: what to do, in a sentence.
        freeze: the value of `transfer.freeze`, or of `transfer.layers` where only these are to be taken over.
        probes: depth to validation accuracy of a linear classifier on the new data; empty for regression.
    """

    source: str
    distance: float
    own_distance: float
    per_class: int
    similar: bool
    much: bool
    case: str
    recommendation: str
    freeze: str
    probes: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return it as `fit --advise --json` prints it."""
        return dataclasses.asdict(self)


def advise(data: str | os.PathLike[str], edits: Mapping[str, object]) -> Advice:
    """Measure how near new data are to those a network was trained on, and say what to take over of it.

    Args:
        data: as for `fit`.
        edits: settings by dotted key; `transfer.source` names the run.
    Raises:
        UsageError: if no run is named.
        DataError: if the data do not suit the network, or the run's own data are no longer there.
    """
    made = plan(gather(os.fspath(data), edits))
    parts = build_parts(made)
    origin = parts.origin
    if origin is None or parts.preparation is None:
        raise UsageError("--advise must know which network to start from. Add --from RUN.")
    head = head_names(parts.model)[-1]
    theirs, held = _source_inputs(origin)
    rows = draw(made.splits.train, made.recipe.seed)
    ours = prepared(made.examples, rows, parts.preparation)
    reference = features(parts.model, theirs, head=head)
    distance = frechet(reference, features(parts.model, ours, head=head))
    own = frechet(reference, features(parts.model, held, head=head))
    probes: dict[str, float] = {}
    if made.examples.class_numbers is not None and len(made.splits.validation):
        judged = draw(made.splits.validation, made.recipe.seed)
        probes = _probe(parts.model, made.examples, parts.preparation, rows, judged)
    per_class = len(made.splits.train) // max(1, len(made.examples.labels))
    return _case(str(origin.run.path), distance, own, per_class, probes)


def _case(source: str, distance: float, own: float, per_class: int, probes: Mapping[str, float]) -> Advice:
    similar, much = distance < SIMILAR, per_class >= MUCH
    best = max(probes, key=lambda name: probes[name], default="")
    if similar and not much:
        freeze, said = "features", "Train a new head on frozen features: --freeze features."
    elif similar:
        freeze, said = "none", "Let all layers learn, at a tenth of the rate: leave --freeze out."
    elif much:
        freeze, said = "none", "Let all layers learn; the weights are a start, and from scratch may do as well."
    elif best == "input":
        freeze, said = "none", "No depth beats the raw inputs: train from scratch, or find a nearer network."
    else:
        freeze = best or "none"
        said = f"Take over the early layers only, whose features are general: --layers {freeze}."
    case = f"{'similar' if similar else 'different'} data, {'many' if much else 'few'} examples"
    return Advice(source, distance, own, per_class, similar, much, case, said, freeze, probes)


@dataclass(frozen=True)
class Depths:
    """The accuracy of a linear classifier at every depth.

    Args:
        run: the network's run.
        data: what was classified.
        split: which examples were scored; those of the training split were fitted.
        accuracies: depth to accuracy, in the order of computing; "input" is the prepared input itself.
        chance: accuracy of the most frequent class.
    """

    run: str
    data: str
    split: str
    accuracies: Mapping[str, float]
    chance: float


def probe_layers(run: Run, data: str | None = None) -> Depths:
    """Fit a linear classifier on the features at every depth of a network (Alain and Bengio 2016).

    Args:
        run: a finished run.
        data: classified data; None for those it was trained on.
    Raises:
        DataError: if there are no classes, or nothing to score on.
    """
    model, preparation = load_model(run), read_preparation(run)
    settings = run.recipe
    if data is not None:
        size = preparation.input_shape[-1] if preparation.kind == "picture" else 0
        recipe = dataclasses.replace(settings.data, source=data, image_size=size, target="")
        settings = dataclasses.replace(settings, data=recipe)
    examples = read_again(settings.data, run)
    if data is not None:
        fresh = Preparation.fit(examples, np.arange(len(examples)), settings.data)
        preparation = adopt(Origin(run, run.recipe, preparation), fresh)
    classes = examples.class_numbers
    splits = split(examples, settings.data, split_seed(settings))
    if classes is None or not len(splits.validation):
        raise DataError(f"{examples.name} must have classes and a validation split to probe layers on.")
    rows, judged = draw(splits.train, settings.seed), draw(splits.validation, settings.seed)
    found = _probe(model, examples, preparation, rows, judged)
    chance = float(np.bincount(classes[judged]).max() / len(judged))
    return Depths(str(run.path), settings.data.source, "validation", found, chance)


def prepared(examples: Examples, rows: NDArray[np.int64], preparation: Preparation) -> Tensor:
    """Return some examples as the network sees them."""
    return torch.from_numpy(preparation.inputs(examples.inputs[rows]))


def _probe(
    model: nn.Module,
    examples: Examples,
    preparation: Preparation,
    rows: NDArray[np.int64],
    judged: NDArray[np.int64],
) -> dict[str, float]:
    classes = examples.class_numbers
    assert classes is not None  # the callers have looked
    fitted, held = (depths(model, prepared(examples, part, preparation)) for part in (rows, judged))
    y, z = torch.from_numpy(classes[rows]), torch.from_numpy(classes[judged])
    heads = head_names(model)
    return {
        name: linear_probe((x, y), (held[name], z))
        for name, x in fitted.items()
        if not any(name == head or name.startswith(f"{head}.") for head in heads)
    }


def _source_inputs(origin: Origin) -> tuple[Tensor, Tensor]:
    """Return some of the training inputs of the origin, and some it was not trained on."""
    examples = read_again(origin.recipe.data, origin.run)
    recipe = origin.recipe
    splits = split(examples, recipe.data, split_seed(recipe))
    train = draw(splits.train, recipe.seed)
    held = draw(splits.validation, recipe.seed) if len(splits.validation) else train
    return prepared(examples, train, origin.preparation), prepared(examples, held, origin.preparation)


def read_again(recipe: Any, run: Run) -> Examples:
    """Read the data of a run, which may lie relative to where it was started."""
    there = Path(str(run.meta.get("folder", ""))) / recipe.source
    source = str(there) if there.exists() and not Path(recipe.source).exists() else recipe.source
    if source in ("arrays", "loaders"):
        raise DataError(f"The data of {run.path} were given from Python and cannot be read again. Name data on disk.")
    return read(dataclasses.replace(recipe, source=source))


def split_seed(recipe: Recipe) -> int:
    """Return the seed by which a run's data were divided."""
    return recipe.seed if recipe.data.split_seed < 0 else recipe.data.split_seed


def draw(rows: NDArray[np.int64], seed: int, *, most: int = _MOST) -> NDArray[np.int64]:
    """Draw some of the examples, sorted."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
