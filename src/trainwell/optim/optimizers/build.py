"""From a recipe to an optimizer on a network's parameters, with weight decay and penalties."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from torch import nn
from torch.optim import Optimizer

from trainwell.core.errors import UsageError
from trainwell.optim.optimizers.catalogue import OPTIMIZERS
from trainwell.optim.optimizers.entry import SECTIONS, Given, Groups
from trainwell.optim.penalties import PENALTIES, Penalised
from trainwell.recipe.choice import arguments
from trainwell.recipe.schema import Recipe
from trainwell.recipe.sections.optim import OptimRecipe

_FUSED_DEVICES = ("cpu", "cuda", "mps")


def optimizer(
    model: nn.Module,
    recipe: Recipe | OptimRecipe,
    *,
    learning_rate: float,
    raised: Collection[nn.Parameter] = (),
    factor: float = 1.0,
) -> Optimizer:
    """Build the optimizer of a recipe for a network, with its weight decay and penalties.

    The learning rate is the schedule's: in a run it is set before every step (`Job.begin`), so `optim.learning_rate`
    is not read here.

    Args:
        model: the network, already on its device.
        recipe: every setting, or those of [optim].
        learning_rate: of the first step.
        raised: parameters that learn at `factor` times the rate; their groups carry it as "rate_factor".
        factor: how much faster they learn.
    Raises:
        UsageError: if the network has nothing to train, or too much for the optimizer.

    >>> optimizer(nn.Linear(3, 2), OptimRecipe(name="sgd"), learning_rate=0.1).param_groups[0]["nesterov"]
    True
    """
    whole = Recipe(optim=recipe) if isinstance(recipe, OptimRecipe) else recipe
    optim = whole.optim
    entry = OPTIMIZERS[optim.name]
    # Those that evaluate the loss themselves never read the gradients that an L2 penalty could be added to.
    direct = (optim.decoupled or "own_decay" in entry.traits) and "closure" not in entry.traits
    through = (0.0 if optim.decoupled else optim.weight_decay) + (0.0 if direct else optim.l2)
    groups = parameter_groups(model, through, biases=optim.penalise_biases)
    if not groups:
        raise UsageError("The network must have at least one trainable parameter, got none. Unfreeze some layers.")
    if raised and factor != 1.0:
        groups = [part for group in groups for part in _parted(group, frozenset(raised), factor=factor)]
        groups.sort(key=lambda group: "rate_factor" in group)  # the first group's rate is the one that is shown
    for group in groups:
        group["lr"] = learning_rate * group.get("rate_factor", 1.0)
    every = optim.penalise_biases
    penalised = tuple(number for number, group in enumerate(groups) if every or _has_matrix(group))
    given = Given(model, groups, _can_fuse(model.parameters()))
    built = entry.build(given, **arguments(entry.build, whole, sections=SECTIONS))
    for name, attach in PENALTIES.items():
        if getattr(optim, name, True):
            attach(Penalised(built, penalised, direct), **arguments(attach, whole, sections=SECTIONS))
    return built


def parameter_groups(model: nn.Module, weight_decay: float, *, biases: bool = False) -> Groups:
    """Split trainable parameters into those that decay (matrices, filters) and those that do not (biases, scales).

    Args:
        model: the network.
        weight_decay: of those that decay.
        biases: whether biases and scales decay too.

    >>> [len(group["params"]) for group in parameter_groups(nn.Linear(3, 2), 0.1)]
    [1, 1]
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trainable if biases or parameter.ndim >= 2]
    others = [parameter for parameter in trainable if not (biases or parameter.ndim >= 2)]
    groups: Groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def needs_closure(built: Optimizer) -> bool:
    """Tell whether an optimizer evaluates the loss again within a step, `step(closure)`.

    >>> needs_closure(optimizer(nn.Linear(3, 2), OptimRecipe(name="newton"), learning_rate=1.0))
    True
    """
    return bool(getattr(built, "needs_closure", False))


def _parted(group: dict[str, Any], raised: frozenset[nn.Parameter], *, factor: float) -> Groups:
    usual = [parameter for parameter in group["params"] if parameter not in raised]
    faster = [parameter for parameter in group["params"] if parameter in raised]
    parts: Groups = [{**group, "params": usual}, {**group, "params": faster, "rate_factor": factor}]
    return [part for part in parts if part["params"]]


def _has_matrix(group: dict[str, Any]) -> bool:
    return any(parameter.ndim >= 2 for parameter in group["params"])


def _can_fuse(parameters: Iterable[nn.Parameter]) -> bool:
    return all(p.device.type in _FUSED_DEVICES and p.dtype.is_floating_point for p in parameters)
