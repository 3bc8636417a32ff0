"""Transfer learning: weights and preprocessing of a trained network, and a new head (docs/curriculum.md, P1, M4)."""

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

# The original learning rate would destroy pretrained weights (docs/curriculum.md, P1: a tenth).
RATE = 0.1
PUBLISHED = "timm:"  # a published backbone has its own weights and preparation
_INHERITED = ("optim.name", "optim.weight_decay", "optim.momentum")


@dataclass(frozen=True)
class Origin:
    """The run that weights are transferred from.

    Args:
        run: the run.
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
    """Open the run that a recipe transfers from; None when training from scratch or from a published backbone.

    Raises:
        StorageError: if there is no such run, or it has no trained network.
        DamagedError: if its files are damaged.
    """
    if not recipe.transfer.source or recipe.transfer.source.startswith(PUBLISHED):
        return None
    run = Run.open(recipe.transfer.source)
    weights_path(run)
    return Origin(run, run.recipe, read_preparation(run))


def inherited(origin: Origin, settings: Mapping[str, Value]) -> dict[str, tuple[Value, str]]:
    """Return the settings that a network inherits from its origin, as key: (value, reason).

    Args:
        origin: the run to transfer from.
        settings: the user's settings; a preparation other than the origin's raises.
    Raises:
        RecipeError: if inputs would be prepared differently from what the transferred weights expect (M4).
    """
    before = dict(flatten(origin.recipe))
    why = f"as in {plain(origin.run.name)}, which it starts from"
    chosen = {key: (value, why) for key, value in before.items() if key.startswith("nn.") or key in _INHERITED}
    rate = origin.recipe.optim.learning_rate * RATE
    chosen["optim.learning_rate"] = (
        float(f"{rate:.3g}"),
        "a tenth of the origin's, to preserve the pretrained weights",
    )
    chosen["data.prepare"] = (before["data.prepare"], why)
    shape = origin.preparation.input_shape
    if origin.preparation.kind.is_spatial and shape[1] == shape[2]:
        chosen["data.image_size"] = (shape[1], why)
    if settings.get("data.prepare", before["data.prepare"]) != before["data.prepare"]:
        raise RecipeError(
            [
                f"data.prepare must be {before['data.prepare']!r} as in the run {origin.run.path}, whose weights "
                f"expect it, got {settings['data.prepare']!r}. Omit the setting."
            ]
        )
    return chosen


def slowed(rate: object) -> tuple[Value, str]:
    """Return a tenth of a learning rate, with the reason, for a published network.

    >>> slowed(0.01)
    (0.001, 'a tenth, to preserve the pretrained weights')
    """
    return float(f"{float(str(rate)) * RATE:.3g}"), "a tenth, to preserve the pretrained weights"


def adopt(origin: Origin, fitted: Preparation) -> Preparation:
    """Return the origin's preparation of inputs, whose statistics the weights expect, with the targets of the new data.

    Args:
        origin: the run to transfer from.
        fitted: the preparation fitted on the new training split; its targets, labels and sizes are kept.
    Raises:
        ShapeError: if the inputs are of another kind, or differ in channels or features.
    """
    before = origin.preparation
    inputs = before.fitted.adopted(fitted.fitted)
    if inputs is None:
        # Equal facts but other tokens: their numbers stand for other words.
        tokens = " and other tokens" if before.facts.vocabulary and before.input_shape == fitted.input_shape else ""
        raise ShapeError(
            f"Inputs must be {before.kind.description} of shape {before.input_shape} as in the run {origin.run.path}, "
            f"got {fitted.kind.description} of shape {fitted.input_shape}{tokens}. Give data of the same kind, or "
            "start from another run."
        )
    return dataclasses.replace(fitted, fitted=inputs, remarks=())


def take_over(model: nn.Module, origin: Origin, *, layers: str = "all") -> frozenset[str]:
    """Load the origin's weights into the first layers, all or none; the other layers and the head stay new.

    Args:
        model: the network, initialised.
        origin: the run to transfer from.
        layers: layers to transfer, "all" or as for `transfer.freeze`.
    Returns:
        names of the tensors that stay newly initialised.
    Raises:
        DamagedError: if the weights cannot be read.
        UsageError: if they belong to another architecture, with a table of expected and actual shapes.
    """
    path = weights_path(origin.run)
    new = names_of_new(model, layers)
    heads = head_names(model)  # tensors of the origin may differ
    weights = {n: tensor for n, tensor in read_weights(path).items() if n not in new and not belongs(n, heads)}
    here = model.state_dict()
    rows = mismatch(weights, {name: tensor for name, tensor in here.items() if name not in new})
    if rows:
        raise UsageError(
            f"The weights of {origin.run.path} do not match the network: {len(rows)} tensors differ. No weights were "
            f"loaded. Omit nn.* settings, and use inputs of the same size.\n{table(rows)}"
        )
    if not weights:
        raise DamagedError(f"The weights in {path} are only a head. Start from another run.")
    model.load_state_dict({**here, **weights})
    return new


def sentence(origin: Origin, shape: tuple[int, ...], *, layers: str = "all") -> str:
    """Describe what was transferred, and how the inputs differ from the origin's."""
    said = (
        f"Starts from {plain(origin.run.name)} ({origin.recipe.nn.model} on {plain(origin.recipe.data.source)}): its "
        f"weights {'with a new head' if layers == 'all' else f'up to {layers}'}, and its preparation of inputs."
    )
    if shape != origin.preparation.input_shape:
        before, now = ("x".join(map(str, s)) for s in (origin.preparation.input_shape, shape))
        said += f" Inputs are {now} here and were {before} there."
    return said
