"""Optimizers by name, built from a recipe on top of torch.optim, fused where the device allows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import UsageError
from trainwell.recipe.schema import OptimRecipe

Groups = list[dict[str, object]]
_FUSED_DEVICES = ("cpu", "cuda", "mps")


def _sgd(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    nesterov = recipe.nesterov and recipe.momentum > 0
    return torch.optim.SGD(
        groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=nesterov, fused=fused or None
    )


def _adam(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    betas = (recipe.beta1, recipe.beta2)
    return torch.optim.Adam(groups, lr=recipe.learning_rate, betas=betas, eps=recipe.epsilon, fused=fused or None)


def _adamw(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    betas = (recipe.beta1, recipe.beta2)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=betas, eps=recipe.epsilon, fused=fused or None)


def _adagrad(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    return torch.optim.Adagrad(groups, lr=recipe.learning_rate, eps=recipe.epsilon)


def _adadelta(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    return torch.optim.Adadelta(groups, lr=recipe.learning_rate, rho=recipe.rho, eps=recipe.epsilon)


def _rmsprop(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    return torch.optim.RMSprop(groups, lr=recipe.learning_rate, alpha=recipe.rho, eps=recipe.epsilon)


def _rprop(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    # Rprop takes only the sign of the gradient, so a decay added to the gradient means nothing to it.
    for group in groups:
        group.pop("weight_decay", None)
    return torch.optim.Rprop(groups, lr=recipe.learning_rate)


def _asgd(groups: Groups, recipe: OptimRecipe, fused: bool) -> Optimizer:
    # t0 = 0 averages from the first step on; lambd and alpha are the schedule's and the decay's business.
    return torch.optim.ASGD(groups, lr=recipe.learning_rate, lambd=0.0, alpha=0.0, t0=0.0)


OPTIMIZERS: Catalogue[Callable[[Groups, OptimRecipe, bool], Optimizer]] = Catalogue(
    "optimizer",
    {
        "sgd": _sgd,
        "adam": _adam,
        "adamw": _adamw,
        "adagrad": _adagrad,  # Duchi et al. 2011
        "adadelta": _adadelta,  # Zeiler 2012; its rate is 1 and its epsilon 1e-6 in the paper
        "rmsprop": _rmsprop,  # Tieleman and Hinton 2012
        "rprop": _rprop,  # Riedmiller and Braun 1993; full batches only
        "asgd": _asgd,  # Polyak and Juditsky 1992; the mean of all weights is `state[parameter]["ax"]`
    },
)


def parameter_groups(model: nn.Module, weight_decay: float) -> Groups:
    """Split trainable parameters into those that decay (matrices, filters) and those that do not (biases, scales).

    >>> [len(group["params"]) for group in parameter_groups(nn.Linear(3, 2), 0.1)]
    [1, 1]
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trainable if parameter.ndim >= 2]
    others = [parameter for parameter in trainable if parameter.ndim < 2]
    groups: Groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def optimizer(
    model: nn.Module, recipe: OptimRecipe, *, raised: Collection[nn.Parameter] = (), factor: float = 1.0
) -> Optimizer:
    """Build the optimizer of a recipe for a network.

    Args:
        model: the network, already on its device.
        recipe: name, rate, momentum, decay.
        raised: parameters that learn at `factor` times the rate; their groups carry it as "rate_factor".
        factor: how much faster they learn.
    Raises:
        UsageError: if the network has nothing to train.

    >>> optimizer(nn.Linear(3, 2), OptimRecipe(name="sgd")).defaults["nesterov"]
    True
    """
    groups = parameter_groups(model, recipe.weight_decay)
    if not groups:
        raise UsageError("The network must have at least one trainable parameter, got none. Unfreeze some layers.")
    if raised and factor != 1.0:
        groups = [part for group in groups for part in _parted(group, frozenset(raised), factor)]
        groups.sort(key=lambda group: "rate_factor" in group)  # the first group's rate is the one that is shown
    return OPTIMIZERS[recipe.name](groups, recipe, _can_fuse(model.parameters()))


def _parted(group: dict[str, Any], raised: frozenset[nn.Parameter], factor: float) -> Groups:
    usual = [parameter for parameter in group["params"] if parameter not in raised]
    faster = [parameter for parameter in group["params"] if parameter in raised]
    parts: Groups = [{**group, "params": usual}, {**group, "params": faster, "rate_factor": factor}]
    return [part for part in parts if part["params"]]


def _can_fuse(parameters: Iterable[nn.Parameter]) -> bool:
    return all(p.device.type in _FUSED_DEVICES and p.dtype.is_floating_point for p in parameters)
