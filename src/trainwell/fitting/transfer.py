"""Start from a trained network: its weights, its preprocessing, and a new head (docs/curriculum.md, P1, M4)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from trainwell.core.errors import DamagedError, RecipeError, ShapeError, UsageError
from trainwell.core.files import plain
from trainwell.data import Preparation
from trainwell.fitting.model_files import mismatch, read_preparation, read_weights, table, weights_path
from trainwell.nn import belongs, head_names, names_of_new
from trainwell.recipe import Recipe, flatten
from trainwell.recipe.sections.setting import Value
from trainwell.runs import Run

# Weights that are good already are lost at the rate that found them (docs/curriculum.md, P1: a tenth).
RATE = 0.1
PUBLISHED = "timm:"  # a backbone that others trained; it brings weights and preparation of its own
_INHERITED = ("optim.name", "optim.weight_decay", "optim.momentum")


@dataclass(frozen=True)
class Origin:
    """The trained network another one starts from.

    Args:
        run: where it lies.
        recipe: its settings.
        preparation: how its inputs were prepared.
    """

    run: Run
    recipe: Recipe
    preparation: Preparation

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its weights."""
        return hashlib.sha256(weights_path(self.run).read_bytes()).hexdigest()


def origin_of(recipe: Recipe) -> Origin | None:
    """Open the run a recipe starts from; None for a network from scratch, and for a published one.

    Raises:
        StorageError: if there is no such run, or it has no trained network.
        DamagedError: if what it left is damaged.
    """
    if not recipe.transfer.source or recipe.transfer.source.startswith(PUBLISHED):
        return None
    run = Run.open(recipe.transfer.source)
    weights_path(run)
    return Origin(run, run.recipe, read_preparation(run))


def inherited(origin: Origin, settings: Mapping[str, Value]) -> dict[str, tuple[Value, str]]:
    """Return what a network takes over from its origin, as key: (value, reason).

    Args:
        origin: what it starts from.
        settings: what the user set; a preparation other than the origin's is refused.
    Raises:
        RecipeError: if inputs would be prepared otherwise than the taken-over weights expect (M4).
    """
    before = dict(flatten(origin.recipe))
    why = f"as in {plain(origin.run.name)}, where it starts from"
    chosen = {key: (value, why) for key, value in before.items() if key.startswith("nn.") or key in _INHERITED}
    rate = origin.recipe.optim.learning_rate * RATE
    chosen["optim.learning_rate"] = (
        float(f"{rate:.3g}"),
        "a tenth of the origin's: weights that are good must not be lost",
    )
    chosen["data.prepare"] = (before["data.prepare"], why)
    shape = origin.preparation.input_shape
    if origin.preparation.kind.is_spatial and shape[1] == shape[2]:
        chosen["data.image_size"] = (shape[1], why)
    if settings.get("data.prepare", before["data.prepare"]) != before["data.prepare"]:
        raise RecipeError(
            [
                f"data.prepare must be {before['data.prepare']!r} as in the run {origin.run.path}, whose weights "
                f"expect it, got {settings['data.prepare']!r}. Leave it out."
            ]
        )
    return chosen


def slowed(rate: object) -> tuple[Value, str]:
    """Return a tenth of a rate, with the reason, for a published network.

    >>> slowed(0.01)
    (0.001, 'a tenth: weights that are good must not be lost')
    """
    return float(f"{float(str(rate)) * RATE:.3g}"), "a tenth: weights that are good must not be lost"


def adopt(origin: Origin, fitted: Preparation) -> Preparation:
    """Return the origin's preparation of inputs with the new data's targets: statistics must be those of the weights.

    Args:
        origin: what the network starts from.
        fitted: what was fitted on the new training split; its targets, labels and sizes are kept.
    Raises:
        ShapeError: if the inputs are of another kind, or have other channels or features.
    """
    before = origin.preparation
    inputs = before.fitted.adopted(fitted.fitted)
    if inputs is None:
        raise ShapeError(
            f"Inputs must be {before.kind.description} of shape {before.input_shape} as in the run {origin.run.path}, "
            f"got {fitted.kind.description} of shape {fitted.input_shape}. Give data of the same kind, or start from "
            "another run."
        )
    return dataclasses.replace(fitted, fitted=inputs, remarks=())


def take_over(model: nn.Module, origin: Origin, *, layers: str = "all") -> frozenset[str]:
    """Load the origin's weights into the first layers; the head and what lies behind them stay new. All or nothing.

    Args:
        model: the network, initialised.
        origin: what it starts from.
        layers: which are taken over, "all" or as for `transfer.freeze`.
    Returns:
        names of the tensors that stay new.
    Raises:
        DamagedError: if the weights cannot be read.
        UsageError: if they belong to another architecture, with a table of what was expected and found.
    """
    path = weights_path(origin.run)
    new = names_of_new(model, layers)
    heads = head_names(model)  # the origin's may have other tensors
    weights = {n: tensor for n, tensor in read_weights(path).items() if n not in new and not belongs(n, heads)}
    here = model.state_dict()
    rows = mismatch(weights, {name: tensor for name, tensor in here.items() if name not in new})
    if rows:
        raise UsageError(
            f"The weights of {origin.run.path} must fit the network, but {len(rows)} tensors differ; nothing was "
            f"loaded. Leave out nn.* settings, and give inputs of the same size.\n{table(rows)}"
        )
    if not weights:
        raise DamagedError(f"The weights {path} must hold more than a head. Start from another run.")
    model.load_state_dict({**here, **weights})
    return new


def sentence(origin: Origin, shape: tuple[int, ...], *, layers: str = "all") -> str:
    """Say what was taken over, and what differs from the origin's inputs."""
    said = (
        f"Starts from {plain(origin.run.name)} ({origin.recipe.nn.model} on {plain(origin.recipe.data.source)}): its "
        f"weights {'but for a new head' if layers == 'all' else f'up to {layers}'}, and its preparation of inputs."
    )
    if shape != origin.preparation.input_shape:
        before, now = ("x".join(map(str, s)) for s in (origin.preparation.input_shape, shape))
        said += f" Inputs are {now} here and were {before} there."
    return said
