"""Which configurations can share one program, and why the others cannot."""

from __future__ import annotations

import functools
from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.fitting.build import build_network
from trainwell.optim.functional import FUNCTIONAL
from trainwell.population.folds import Ground
from trainwell.recipe import Recipe, flatten
from trainwell.recipe.edit import vary
from trainwell.recipe.schema import SETTINGS

# Settings in which members of one population may differ: they change numbers, not the program.
FUSIBLE = (
    "seed", "nn.dropout", "nn.initialisation", "task.label_smoothing", "optim.learning_rate", "optim.momentum",
    "optim.nesterov", "optim.beta1", "optim.beta2", "optim.rho", "optim.epsilon", "optim.weight_decay",
    "optim.schedule", "optim.warmup", "optim.step_epochs", "optim.step_factor", "optim.schedule_decay",
    "optim.schedule_power", "train.clip_norm",
)  # fmt: skip
# Settings that must agree, and those that do not enter the program at all. Any other setting that is not at its
# default is something the population does not know, and such a configuration trains alone.
_SAME = ("task.name", "optim.name", "train.epochs", "train.batch_size", "data.prepare", "data.shift", "data.flip")
_SAME_PARTS = tuple((key.partition(".")[0], key.partition(".")[2]) for key in _SAME)
_BESIDE = ("train.patience", "train.checkpoint_seconds", "train.threads", "train.device", "watch.budget")


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
    if recipe.optim.schedule == "plateau":
        return "the schedule plateau waits for each network's own validation loss"
    return _why_alone(vary(recipe, {key: SETTINGS[key].default for key in FUSIBLE}))


@functools.lru_cache(maxsize=64)
def _why_alone(recipe: Recipe) -> str:
    if recipe.optim.name not in FUNCTIONAL:
        return f"the optimizer {recipe.optim.name} asks for more than the gradient of a step, one network at a time"
    known = {*FUSIBLE, *_SAME, *_BESIDE, *_DATA_READ}
    for key, value in flatten(recipe):
        inside = key in known or (key.startswith("nn.") and (key not in _RANDOM or value in _CALM))
        if not inside and value != SETTINGS[key].default:
            return f"{key} is not part of the program that many networks share"
    return ""


# Settings of the network whose draws, or whose stand-ins at prediction, would not be each member's own.
_RANDOM = ("nn.classic_dropout", "nn.dropconnect", "nn.pooling", "nn.normalisation")
_CALM = ("batch", "layer", "none", "max", "average")  # choices among them that draw nothing
# Settings of the data that are done with once the examples are read, split and prepared.
_DATA_READ = tuple(
    f"data.{name}"
    for name in (
        "source target drop group delimiter validation test stratify prepare components image_size interpolation "
        "centre_crop max_pixels workers"
    ).split()
)


def make_member(recipe: Recipe, ground: Ground, fold: int) -> Member:
    """Build one member; networks of the catalogue that start alike are built once."""
    place = ground.fold(recipe, fold)
    same = tuple(getattr(getattr(recipe, room), name) for room, name in _SAME_PARTS)
    start = (vary(recipe, {"nn.dropout": 0.0}).nn, recipe.seed, place.input_shape, place.outputs)
    if start in ground.networks:
        model, shape, names = ground.networks[start]
        return Member(recipe, fold, model, (same, len(place.splits.train), shape), names)
    has = recipe.nn.dropout > 0
    # A network without dropout is built with it and a probability of 0, so that it can stand beside others.
    built = ground.build(recipe if has else vary(recipe, {"nn.dropout": 0.5}), place.input_shape, place.outputs).train()
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
