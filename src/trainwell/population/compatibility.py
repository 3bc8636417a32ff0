"""Which configurations can train together as one program, and why the others cannot."""

from __future__ import annotations

import functools
import operator
from collections.abc import Hashable
from dataclasses import dataclass

from torch import nn

from trainwell.fitting.build import build_network
from trainwell.nn import MODELS
from trainwell.optim import SCHEDULES
from trainwell.optim.functional import FUNCTIONAL
from trainwell.population.dropout import MemberDropout
from trainwell.population.folds import Fold, Folds, StartNetwork
from trainwell.recipe import Recipe, flatten
from trainwell.recipe.edit import vary
from trainwell.recipe.schema import SETTINGS

# Each setting declares what it means for a population (recipe/sections).
PER_MEMBER = tuple(key for key, entry in SETTINGS.items() if entry.declared.population == "varies")
_EQUAL_SETTINGS = operator.attrgetter(*(k for k, entry in SETTINGS.items() if entry.declared.population == "equal"))
_DETERMINISTIC = ("batch", "layer", "none", "max", "average")  # normalisation and pooling without random draws


@dataclass(frozen=True)
class Member:
    """One configuration on one fold, with its network.

    Args:
        recipe: the configuration.
        fold: number of the fold.
        model: its network, initialised, with `MemberDropout`.
        key: members with equal keys can share one program.
        dropout_buffers: names of the buffers to be set to the recipe's own dropout probability, where the network is
            shared by many members.
    """

    recipe: Recipe
    fold: int
    model: nn.Module
    key: Hashable
    dropout_buffers: tuple[str, ...] = ()


def why_incompatible(recipe: Recipe) -> str:
    """Return why a configuration cannot join any population, from its settings; empty if it can.

    >>> why_incompatible(Recipe())
    ''
    >>> why_incompatible(vary(Recipe(), {"train.ema": 0.99}))
    'train.ema is not part of the program that many networks share'
    """
    if SCHEDULES[recipe.optim.schedule].by_score:
        return f"the schedule {recipe.optim.schedule} waits for each network's own validation loss"
    return _why_incompatible(vary(recipe, {key: SETTINGS[key].default for key in PER_MEMBER}))


@functools.lru_cache(maxsize=64)
def _why_incompatible(recipe: Recipe) -> str:
    if recipe.optim.name not in FUNCTIONAL:
        return f"the optimizer {recipe.optim.name} needs more than the gradient of a step, one network at a time"
    if recipe.nn.model in MODELS and not MODELS[recipe.nn.model].can_be_mapped:
        return f"the network {recipe.nn.model} has operations that torch.func cannot map"
    for key, value in flatten(recipe):
        setting = SETTINGS[key]
        draws_nothing = key.startswith("nn.") and value in _DETERMINISTIC
        if setting.declared.population == "alone" and not draws_nothing and value != setting.default:
            return f"{key} is not part of the program that many networks share"
    return ""


def make_member(recipe: Recipe, folds: Folds, *, fold: int = 0) -> Member:
    """Build the network of a configuration for one fold.

    Networks of the catalogue that start with the same weights are built once.

    Args:
        recipe: the configuration.
        folds: the examples.
        fold: number of the fold.
    """
    prepared = folds.fold(recipe, fold)
    equal = (_EQUAL_SETTINGS(recipe), len(prepared.splits.train))
    start = (vary(recipe, {"nn.dropout": 0.0}).nn, recipe.seed, prepared.input_shape, prepared.outputs)
    if start not in folds.networks:
        network = _build(recipe, folds, fold=prepared)
        if not network.is_shared:
            return Member(recipe, fold, network.model, (equal, network.structure))
        folds.networks[start] = network
    network = folds.networks[start]
    return Member(recipe, fold, network.model, (equal, network.structure), network.dropout_buffers)


def _build(recipe: Recipe, folds: Folds, *, fold: Fold) -> StartNetwork:
    """Build a network with `MemberDropout` in place of its dropout layers."""
    has_dropout = recipe.nn.dropout > 0
    # Without dropout, a network is built with it and a probability of 0, so that it can be stacked with others.
    dropping = recipe if has_dropout else vary(recipe, {"nn.dropout": 0.5})
    model = folds.build(dropping, fold.preparation.facts, fold.outputs).train()
    buffers: list[str] = []
    # A network of the user's own may depend on more than its recipe; one with other probabilities than nn.dropout,
    # or multiples of it, keeps them.
    is_shared = folds.build is build_network
    for path, module in list(model.named_modules()):
        if type(module) is nn.Dropout:
            owner, _, name = path.rpartition(".")
            is_shared &= module.p == dropping.nn.dropout
            setattr(model.get_submodule(owner), name, MemberDropout(module.p if has_dropout else 0.0))
            buffers.append(f"{path}.p")
    return StartNetwork(model, _structure(model), tuple(buffers), is_shared)


def _structure(model: nn.Module) -> Hashable:
    """Return everything about a network that belongs to its program: modules, their plain attributes, shapes."""
    modules = tuple(
        (path, type(module).__qualname__, tuple(sorted(_attributes(module).items(), key=lambda item: item[0])))
        for path, module in model.named_modules()
    )
    tensors = tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in model.state_dict().items())
    return modules, tensors


def _attributes(module: nn.Module) -> dict[str, Hashable]:
    kinds = (bool, int, float, str, type(None))
    found: dict[str, Hashable] = {}
    for name, value in vars(module).items():
        if isinstance(value, kinds) or (isinstance(value, tuple) and all(isinstance(item, kinds) for item in value)):
            found[name] = value
    return found
