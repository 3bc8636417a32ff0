"""Optimizers by name, built from a recipe on top of torch.optim, fused where the device allows.

The docstring of a builder is the optimizer's page in `trainwell about`. w: weight, g: gradient, r: learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import UsageError
from trainwell.optim.kfac import KFAC
from trainwell.optim.line_search_optimizers import LBFGS, VSGD, Newton
from trainwell.optim.penalties import add_slope, decay_directly, pull_to_zero
from trainwell.recipe.sections import OptimRecipe
from trainwell.recipe.sections.optim import LOOK_AGAIN

Groups = list[dict[str, object]]
_FUSED_DEVICES = ("cpu", "cuda", "mps")


class Given(NamedTuple):
    """What an optimizer is built from.

    Args:
        model: the network.
        groups: its trainable parameters, in groups with a weight decay each.
        fused: whether torch can update all tensors in one pass.
    """

    model: nn.Module
    groups: Groups
    fused: bool


def _sgd(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Descend along the gradient of a mini-batch, w <- w - r g, with momentum and looking ahead as the recipe says.

    Formula: v <- m v + g; w <- w - r v, or w <- w - r (g + m v) with optim.nesterov; plain descent with m = 0.
    Use: pictures and large data with a tuned rate and schedule; batch size 1 to the whole split (batch descent).
    Cost: one more number per weight with momentum, none without.
    Lab: batch_paths, critical_rate, optimizer_race
    Source: Robbins and Monro 1951; Polyak 1964
    """
    nesterov = recipe.nesterov and recipe.momentum > 0
    return _descent(given, recipe, momentum=recipe.momentum, nesterov=nesterov)


def _momentum(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Add up past gradients to a velocity: steps along a ravine grow, those across it cancel.

    Formula: v <- m v + g; w <- w - r v
    Use: wherever plain descent zigzags; m = 0.9 makes steps up to 10 times as long.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Polyak 1964
    """
    return _descent(given, recipe, momentum=recipe.momentum, nesterov=False)


def _nesterov(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Momentum that looks ahead: the gradient counts again where the velocity is about to lead.

    Formula: v <- m v + g; w <- w - r (g + m v)
    Use: as momentum, with less overshooting; the usual choice for residual networks.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Nesterov 1983; Sutskever et al. 2013
    """
    return _descent(given, recipe, momentum=recipe.momentum, nesterov=True)


def _adam(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Divide the mean gradient by the root of the mean squared gradient, both corrected for their start at zero.

    Formula: m <- b1 m + (1-b1) g; s <- b2 s + (1-b2) g²; w <- w - r (m / (1-b1^t)) / (sqrt(s / (1-b2^t)) + e)
    Use: a rate of 1e-3 suits most networks; weight decay goes through the gradient here: prefer adamw with it.
    Cost: two more numbers per weight.
    Lab: optimizer_race, weight_decay
    Source: Kingma and Ba 2015
    """
    betas = (recipe.beta1, recipe.beta2)
    fused = given.fused or None
    return torch.optim.Adam(given.groups, lr=recipe.learning_rate, betas=betas, eps=recipe.epsilon, fused=fused)


def _adamw(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Adam whose weight decay shrinks the weights directly, so that it is the same for all of them.

    Formula: w <- (1 - r d) w, then Adam's step
    Use: the default; mixed layers, attention, little time to tune.
    Cost: two more numbers per weight.
    Lab: weight_decay, optimizer_race
    Source: Loshchilov and Hutter 2019
    """
    betas = (recipe.beta1, recipe.beta2)
    fused = given.fused or None
    return torch.optim.AdamW(given.groups, lr=recipe.learning_rate, betas=betas, eps=recipe.epsilon, fused=fused)


def _adagrad(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Divide by the root of the sum of all squared gradients: rare features take large steps, the rate only falls.

    Formula: s <- s + g²; w <- w - r g / (sqrt(s) + e)
    Use: sparse inputs (words); long runs of deep networks stall, as s grows for ever.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Duchi et al. 2011
    """
    return torch.optim.Adagrad(given.groups, lr=recipe.learning_rate, eps=recipe.epsilon)


def _adadelta(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Scale steps by past steps over past gradients, so that they have the unit of the weights.

    Formula: s <- p s + (1-p) g²; d = g sqrt(u + e) / sqrt(s + e); u <- p u + (1-p) d²; w <- w - r d
    Use: where no rate is to be tuned: r = 1, p = 0.9, e = 1e-6 are the paper's. Slow at the start.
    Cost: two more numbers per weight.
    Source: Zeiler 2012
    """
    return torch.optim.Adadelta(given.groups, lr=recipe.learning_rate, rho=recipe.rho, eps=recipe.epsilon)


def _rmsprop(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Divide by the root of the mean squared gradient of late.

    Formula: s <- p s + (1-p) g²; w <- w - r g / (sqrt(s) + e)
    Use: recurrent networks, losses that change while they are learned.
    Cost: one more number per weight.
    Lab: optimizer_race
    Source: Tieleman and Hinton 2012
    """
    return torch.optim.RMSprop(given.groups, lr=recipe.learning_rate, alpha=recipe.rho, eps=recipe.epsilon)


def _rprop(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Heed only the sign of each gradient: a step grows by 1.2 while it stays and halves when it turns.

    Formula: w <- w - size * sign(g); size starts at r and stays between 1e-6 and 50
    Use: whole batches of small data only: in mini-batches signs turn by chance. Schedules and decay mean nothing to it.
    Cost: two more numbers per weight.
    Source: Riedmiller and Braun 1993
    """
    # Rprop takes only the sign of the gradient, so a decay added to the gradient means nothing to it.
    for group in given.groups:
        group.pop("weight_decay", None)
    return torch.optim.Rprop(given.groups, lr=recipe.learning_rate)


def _asgd(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Plain descent that remembers the mean of all weights, which is nearer to the minimum than the last.

    Formula: w <- w - r g; a <- a + (w - a) / (t - 1); the mean is `optimizer.state[parameter]["ax"]`
    Use: convex losses at a constant rate; train.ema averages the late weights of any optimizer, and predicts with them.
    Cost: one more number per weight.
    Source: Polyak and Juditsky 1992
    """
    # t0 = 0 averages from the first step on; lambd and alpha are the schedule's and the decay's business.
    built = torch.optim.ASGD(given.groups, lr=recipe.learning_rate, lambd=0.0, alpha=0.0, t0=0.0)
    built.register_step_pre_hook(_take_the_rate)
    return built


def _take_the_rate(built: Optimizer, arguments: object, named: object) -> None:
    """Give torch's ASGD the rate of this step: by itself it takes that of the step before."""
    for group in built.param_groups:
        for parameter in group["params"]:
            if "eta" in built.state[parameter]:
                built.state[parameter]["eta"].fill_(group["lr"])


def _vsgd(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Give each weight the rate that is best for a noisy quadratic: no rate to choose.

    Formula: r = E[g]² / (E[|h|] E[g²]) with running means over t steps; t <- (1 - E[g]² / E[g²]) t + 1
    Use: a yardstick that needs no tuning; optim.learning_rate is a factor on the rates found, 1 is the law.
    Cost: two gradients a step and four more numbers per weight.
    Source: Schaul, Zhang and LeCun 2013; curvature as Schaul and LeCun 2013
    """
    return VSGD(given.groups, lr=recipe.learning_rate)


def _lbfgs(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Let the last steps and slopes stand for the inverse curvature, and search along the direction they give.

    Formula: w <- w - a H g, H from the last optim.history pairs of steps and slopes; a by a strong Wolfe line search
    Use: small and medium data in whole batches (train.batch_size at least the training examples), no dropout.
    Cost: about two gradients a step and 2 * history more numbers per weight.
    Source: Liu and Nocedal 1989
    """
    return LBFGS(given.groups, lr=recipe.learning_rate, history=recipe.history)


def _kfac(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Natural gradient: divide each layer's gradient by its Fisher matrix, taken as a Kronecker product.

    Formula: W <- W - r (G + e I)^-1 g (A + d I)^-1, A = E[a aᵀ] of the layer's inputs, G = E[g gᵀ] of output slopes
    Use: fully connected and convolution networks whose inputs are badly scaled; few steps, each dearer.
    Cost: (inputs + 1)² + outputs² more numbers a layer; an inversion every optim.refresh steps.
    Lab: natural_gradient
    Source: Martens and Grosse 2015; Grosse and Martens 2016
    """
    return KFAC(
        given.model,
        given.groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        damping=recipe.damping,
        refresh=recipe.refresh,
    )


def _newton(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Jump to the stationary point of the local quadratic: one step solves a quadratic, a saddle attracts too.

    Formula: w <- w - r (H + d I)^-1 g
    Use: logistic regression and other small convex problems in whole batches; at most 2,000 weights.
    Cost: the Hessian: as many gradients a step as there are weights, and their square in memory.
    Lab: second_order
    Source: Nocedal and Wright 2006, chapter 3
    """
    return Newton(given.groups, lr=recipe.learning_rate, damping=recipe.damping)


def _saddle_free(given: Given, recipe: OptimRecipe) -> Optimizer:
    """Newton's step with the absolute curvature: it leaves saddles where Newton climbs to them.

    Formula: w <- w - r (|H| + d I)^-1 g
    Use: small networks (at most 2,000 weights) in whole batches.
    Cost: as newton, and the eigenvectors of the Hessian.
    Lab: second_order
    Source: Dauphin et al. 2014
    """
    return Newton(given.groups, lr=recipe.learning_rate, damping=recipe.damping, saddle_free=True)


OPTIMIZERS: Catalogue[Callable[[Given, OptimRecipe], Optimizer]] = Catalogue(
    "optimizer",
    {
        "sgd": _sgd,
        "momentum": _momentum,
        "nesterov": _nesterov,
        "adam": _adam,
        "adamw": _adamw,
        "adagrad": _adagrad,
        "adadelta": _adadelta,
        "rmsprop": _rmsprop,
        "rprop": _rprop,
        "asgd": _asgd,
        "vsgd": _vsgd,
        "lbfgs": _lbfgs,
        "kfac": _kfac,
        "newton": _newton,
        "saddle_free": _saddle_free,
    },
)


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


def optimizer(
    model: nn.Module, recipe: OptimRecipe, *, raised: Collection[nn.Parameter] = (), factor: float = 1.0
) -> Optimizer:
    """Build the optimizer of a recipe for a network, with its weight decay and penalties.

    Args:
        model: the network, already on its device.
        recipe: name, rate, momentum, decay, penalties.
        raised: parameters that learn at `factor` times the rate; their groups carry it as "rate_factor".
        factor: how much faster they learn.
    Raises:
        UsageError: if the network has nothing to train, or too much for the optimizer.

    >>> optimizer(nn.Linear(3, 2), OptimRecipe(name="sgd")).defaults["nesterov"]
    True
    """
    # Those that look at the loss again never read the gradients that an L2 penalty could be added to.
    direct = (recipe.decoupled or recipe.name == "adamw") and recipe.name not in LOOK_AGAIN
    through = (0.0 if recipe.decoupled else recipe.weight_decay) + (0.0 if direct else recipe.l2)
    groups = parameter_groups(model, through, biases=recipe.penalise_biases)
    if not groups:
        raise UsageError("The network must have at least one trainable parameter, got none. Unfreeze some layers.")
    if raised and factor != 1.0:
        groups = [part for group in groups for part in _parted(group, frozenset(raised), factor)]
        groups.sort(key=lambda group: "rate_factor" in group)  # the first group's rate is the one that is shown
    penalised = [n for n, group in enumerate(groups) if any(p.ndim >= 2 for p in group["params"])]  # type: ignore[attr-defined]
    if recipe.penalise_biases:
        penalised = list(range(len(groups)))
    built = OPTIMIZERS[recipe.name](Given(model, groups, _can_fuse(model.parameters())), recipe)
    if direct and recipe.l2:
        add_slope(built, dict.fromkeys(penalised, recipe.l2))
    if recipe.decoupled and recipe.weight_decay:
        decay_directly(built, dict.fromkeys(penalised, recipe.weight_decay))
    if recipe.l1:
        pull_to_zero(built, dict.fromkeys(penalised, recipe.l1))
    return built


def needs_closure(built: Optimizer) -> bool:
    """Tell whether an optimizer looks at the loss again within a step, `step(closure)`.

    >>> needs_closure(optimizer(nn.Linear(3, 2), OptimRecipe(name="newton")))
    True
    """
    return bool(getattr(built, "needs_closure", False))


def _descent(given: Given, recipe: OptimRecipe, *, momentum: float, nesterov: bool) -> Optimizer:
    made = torch.optim.SGD(
        given.groups, lr=recipe.learning_rate, momentum=momentum, nesterov=nesterov, fused=given.fused or None
    )
    if momentum:
        # Zeros give the same first step as none, and torch's fused step refuses a mixture of both: layers that are
        # unfrozen on the way would bring none.
        for parameter in (parameter for group in made.param_groups for parameter in group["params"]):
            made.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return made


def _parted(group: dict[str, Any], raised: frozenset[nn.Parameter], factor: float) -> Groups:
    usual = [parameter for parameter in group["params"] if parameter not in raised]
    faster = [parameter for parameter in group["params"] if parameter in raised]
    parts: Groups = [{**group, "params": usual}, {**group, "params": faster, "rate_factor": factor}]
    return [part for part in parts if part["params"]]


def _can_fuse(parameters: Iterable[nn.Parameter]) -> bool:
    return all(p.device.type in _FUSED_DEVICES and p.dtype.is_floating_point for p in parameters)
