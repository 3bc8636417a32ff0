"""Which configurations can share one program, and why the others cannot."""

from __future__ import annotations

import functools
from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.fitting.build import build_network
from trainwell.optim import SCHEDULES
from trainwell.optim.functional import FUNCTIONAL
from trainwell.population.folds import Ground
from trainwell.recipe import Recipe, flatten
from trainwell.recipe.edit import vary
from trainwell.recipe.schema import SETTINGS

# Every setting says itself what it means for a population (recipe/sections).
FUSIBLE = tuple(key for key, entry in SETTINGS.items() if entry.declared.population == "varies")
_SAME = tuple(key for key, entry in SETTINGS.items() if entry.declared.population == "equal")


class MemberDropout(nn.Module):
    """Dropout whose probability is a buffer, so that each member of a population has its own.

    All members threshold the same draw: each one's masks are properly random, results do not depend on who else is
    in the chunk, and the draw is paid once.

    Args:
        p: probability of dropping a unit.
    """

    p: Tensor

    def __init__(self, p: float) -> None:
        super().__init__()
        self.register_buffer("p", torch.tensor(float(p)))

    def forward(self, x: Tensor) -> Tensor:
        """Drop units in train mode and scale up what remains."""
        if not self.training:
            return x
        kept = (torch.rand(x.shape, device=x.device) >= self.p).to(x.dtype)
        return x * kept / (1 - self.p)


@dataclass(frozen=True)
class Member:
    """One configuration on one fold, built.

    Args:
        recipe: every setting.
        fold: number of the fold.
        model: its network, initialised, with `MemberDropout`.
        key: members of equal keys can share one program.
        dropped: buffers that hold the recipe's own probability of dropout, where the network is shared by many.
    """

    recipe: Recipe
    fold: int
    model: nn.Module
    key: Hashable
    dropped: tuple[str, ...] = ()


def why_alone(recipe: Recipe) -> str:
    """Say why a configuration cannot join a population, from its settings; empty if it can.

    >>> why_alone(Recipe())
    ''
    >>> why_alone(vary(Recipe(), {"train.ema": 0.99}))
    'train.ema is not part of the program that many networks share'
    """
    if SCHEDULES[recipe.optim.schedule].by_score:
        return f"the schedule {recipe.optim.schedule} waits for each network's own validation loss"
    return _why_alone(vary(recipe, {key: SETTINGS[key].default for key in FUSIBLE}))


@functools.lru_cache(maxsize=64)
def _why_alone(recipe: Recipe) -> str:
    if recipe.optim.name not in FUNCTIONAL:
        return f"the optimizer {recipe.optim.name} asks for more than the gradient of a step, one network at a time"
    for key, value in flatten(recipe):
        alone = SETTINGS[key].declared.population == "alone" and not (key.startswith("nn.") and value in _CALM)
        if alone and value != SETTINGS[key].default:
            return f"{key} is not part of the program that many networks share"
    return ""


_CALM = ("batch", "layer", "none", "max", "average")  # normalisation and pooling that draw nothing at random


def make_member(recipe: Recipe, ground: Ground, fold: int) -> Member:
    """Build one member; networks of the catalogue that start alike are built once."""
    place = ground.fold(recipe, fold)
    values = dict(flatten(recipe))
    same = tuple(values[key] for key in _SAME)
    start = (vary(recipe, {"nn.dropout": 0.0}).nn, recipe.seed, place.input_shape, place.outputs)
    if start in ground.networks:
        model, shape, names = ground.networks[start]
        return Member(recipe, fold, model, (same, len(place.splits.train), shape), names)
    has = recipe.nn.dropout > 0
    # A network without dropout is built with it and a probability of 0, so that it can stand beside others.
    dropping = recipe if has else vary(recipe, {"nn.dropout": 0.5})
    built = ground.build(dropping, place.preparation.facts, place.outputs).train()
    wanted = recipe.nn.dropout if has else 0.5
    dropped: list[str] = []
    plain = ground.build is build_network
    for path, module in list(built.named_modules()):
        if type(module) is nn.Dropout:
            owner, _, name = path.rpartition(".")
            plain &= module.p == wanted
            setattr(built.get_submodule(owner), name, MemberDropout(module.p if has else 0.0))
            dropped.append(f"{path}.p")
    shape = _shape(built)
    if plain:
        ground.networks[start] = built, shape, tuple(dropped)
    return Member(recipe, fold, built, (same, len(place.splits.train), shape), tuple(dropped) if plain else ())


def _shape(model: nn.Module) -> Hashable:
    """Return everything about a network that is part of its program: modules, their plain attributes, shapes."""
    modules = tuple(
        (path, type(module).__qualname__, tuple(sorted(_plain(module).items(), key=lambda item: item[0])))
        for path, module in model.named_modules()
    )
    tensors = tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in model.state_dict().items())
    return modules, tensors


def _plain(module: nn.Module) -> dict[str, Hashable]:
    kinds = (bool, int, float, str, type(None))
    found: dict[str, Hashable] = {}
    for name, value in vars(module).items():
        if isinstance(value, kinds) or (isinstance(value, tuple) and all(isinstance(item, kinds) for item in value)):
            found[name] = value
    return found
