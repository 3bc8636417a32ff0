"""Which configurations can share one program, and why the others cannot."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.optim.functional import FUNCTIONAL
from trainwell.recipe import Recipe, edit, flatten
from trainwell.recipe.schema import SETTINGS
from trainwell.search.ground import Ground

# Settings in which members of one population may differ: they change numbers, not the program.
FUSIBLE = (
    "seed",
    "nn.dropout",
    "nn.initialisation",
    "task.label_smoothing",
    "optim.learning_rate",
    "optim.momentum",
    "optim.nesterov",
    "optim.beta1",
    "optim.beta2",
    "optim.epsilon",
    "optim.weight_decay",
    "optim.schedule",
    "optim.warmup",
    "optim.step_epochs",
    "optim.step_factor",
    "train.clip_norm",
)
# Settings that must agree, and those that do not enter the program at all. Any other setting that is not at its
# default is something the population does not know, and such a configuration trains alone.
_SAME = ("task.name", "optim.name", "train.epochs", "train.batch_size", "data.prepare", "data.shift", "data.flip")
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
    """

    recipe: Recipe
    fold: int
    model: nn.Module
    key: Hashable


def why_alone(recipe: Recipe) -> str:
    """Say why a configuration cannot join a population, from its settings; empty if it can.

    >>> why_alone(Recipe())
    ''
    >>> why_alone(edit(Recipe(), {"train.ema": 0.99}))
    'train.ema is not made for many networks at once'
    """
    if recipe.optim.name not in FUNCTIONAL:
        return f"the optimizer {recipe.optim.name} is not made for many networks at once"
    known = {*FUSIBLE, *_SAME, *_BESIDE}
    for key, value in flatten(recipe):
        whole_room = key.startswith("nn.") or (key.startswith("data.") and key != "data.shift" and key != "data.flip")
        if key in known or (whole_room and not key.startswith("data.")):
            continue
        if key in _DATA_READ or value == SETTINGS[key].default:
            continue
        return f"{key} is not made for many networks at once"
    return ""


# Settings of the data that are done with once the examples are read, split and prepared.
_DATA_READ = tuple(
    f"data.{name}"
    for name in (
        "source target drop group delimiter validation test stratify prepare image_size max_pixels workers"
    ).split()
)


def make_member(recipe: Recipe, ground: Ground, fold: int) -> Member:
    """Build one member."""
    place = ground.fold(recipe, fold)
    dropped = recipe.nn.dropout > 0
    # A network without dropout is built with it and a probability of 0, so that it can stand beside others.
    built = ground.build(
        recipe if dropped else edit(recipe, {"nn.dropout": 0.5}), place.input_shape, place.outputs
    ).train()
    for path, module in list(built.named_modules()):
        if type(module) is nn.Dropout:
            owner, _, name = path.rpartition(".")
            setattr(built.get_submodule(owner), name, MemberDropout(module.p if dropped else 0.0))
    same = tuple(value for key, value in flatten(recipe) if key in _SAME)
    return Member(recipe, fold, built, (same, len(place.splits.train), _shape(built)))


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
