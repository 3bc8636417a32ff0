"""The optimizers as pure functions, so that many networks can be updated at once.

Every setting may be a tensor: a 0-d one under `torch.func.vmap`, or one number for each network where tensors of many
networks are stacked. The laws equal those of `torch.optim` (a test holds them together), and weight decay spares
biases as in `parameter_groups`. Stacked is the fast way: vmap pays for each of the many small operations again
(SGD on 32 networks of 7,000 numbers: 0.1 ms stacked, 0.5 ms under vmap).

A law takes the weight, its gradient, what is remembered for it (all of one shape) and the settings of the step, and
returns the new weight with the new memory. w: weight, g: gradient, r: learning rate, t: number of the step, from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from trainwell.core.catalogue import Catalogue

Weights = dict[str, Tensor]
Slots = tuple[Tensor, ...]
Memory = dict[str, Slots]

# Riedmiller and Braun 1993: a step grows by 1.2, shrinks by 0.5 and stays between 1e-6 and 50.
_GROW, _SHRINK, _SMALLEST, _LARGEST = 1.2, 0.5, 1e-6, 50.0


class Settings(NamedTuple):
    """What an update depends on; each a number or a tensor.

    Args:
        learning_rate: the rate of this step.
        momentum: share of the last step kept (sgd, momentum, nesterov).
        nesterov: 1 looks ahead along the momentum, 0 does not (sgd).
        beta1: decay of the mean gradient (adam, adamw).
        beta2: decay of the mean squared gradient (adam, adamw).
        epsilon: keeps the division finite (adam, adamw, adagrad, adadelta, rmsprop).
        weight_decay: pull of matrices and filters towards zero.
        rho: decay of the mean squared gradient (rmsprop, adadelta).
    """

    learning_rate: Tensor | float
    momentum: Tensor | float = 0.0
    nesterov: Tensor | float = 0.0
    beta1: Tensor | float = 0.9
    beta2: Tensor | float = 0.999
    epsilon: Tensor | float = 1e-8
    weight_decay: Tensor | float = 0.0
    rho: Tensor | float = 0.9


class Step(NamedTuple):
    """The settings of one step as tensors that broadcast against one parameter, and the number of the step."""

    learning_rate: Tensor
    momentum: Tensor
    nesterov: Tensor
    beta1: Tensor
    beta2: Tensor
    epsilon: Tensor
    weight_decay: Tensor
    rho: Tensor
    number: Tensor


Law = Callable[[Tensor, Tensor, Slots, Step], tuple[Tensor, Slots]]


def sgd(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """Keep a velocity v <- m v + g and step along it, or along g + m v (Nesterov)."""
    gradient = torch.addcmul(gradient, weight, step.weight_decay)
    velocity = torch.addcmul(gradient, slots[0], step.momentum)
    kept = torch.where(step.nesterov > 0, step.momentum, torch.ones_like(step.momentum))
    ahead = torch.addcmul(velocity * kept, gradient, step.nesterov)
    return torch.addcmul(weight, ahead, step.learning_rate, value=-1), (velocity,)


def momentum(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """v <- m v + g; w <- w - r v (Polyak 1964)."""
    return sgd(weight, gradient, slots, step._replace(nesterov=torch.zeros_like(step.nesterov)))


def nesterov(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """v <- m v + g; w <- w - r (g + m v) (Nesterov 1983 in the form of Sutskever et al. 2013)."""
    return sgd(weight, gradient, slots, step._replace(nesterov=torch.ones_like(step.nesterov)))


def adam(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """Adam (Kingma and Ba 2015); weight decay is part of the gradient."""
    return _adam_step(weight, torch.addcmul(gradient, weight, step.weight_decay), slots, step)


def adamw(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""
    return _adam_step(weight * (1 - step.learning_rate * step.weight_decay), gradient, slots, step)


def adagrad(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """s <- s + g²; w <- w - r g / (sqrt(s) + e) (Duchi et al. 2011)."""
    gradient = torch.addcmul(gradient, weight, step.weight_decay)
    total = torch.addcmul(slots[0], gradient, gradient)
    return weight - step.learning_rate * gradient / (total.sqrt() + step.epsilon), (total,)


def rmsprop(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """s <- p s + (1 - p) g²; w <- w - r g / (sqrt(s) + e) (Tieleman and Hinton 2012)."""
    gradient = torch.addcmul(gradient, weight, step.weight_decay)
    square = torch.addcmul(slots[0] * step.rho, gradient * gradient, 1 - step.rho)
    return weight - step.learning_rate * gradient / (square.sqrt() + step.epsilon), (square,)


def adadelta(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """s <- p s + (1 - p) g²; d = g sqrt(u + e) / sqrt(s + e); u <- p u + (1 - p) d²; w <- w - r d (Zeiler 2012)."""
    gradient = torch.addcmul(gradient, weight, step.weight_decay)
    square = torch.addcmul(slots[0] * step.rho, gradient * gradient, 1 - step.rho)
    moved = gradient * (slots[1] + step.epsilon).sqrt() / (square + step.epsilon).sqrt()
    return weight - step.learning_rate * moved, (
        square,
        torch.addcmul(slots[1] * step.rho, moved * moved, 1 - step.rho),
    )


def rprop(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """Step by a size of its own against the sign of each gradient (Riedmiller and Braun 1993); decay means nothing.

    The size starts at r, grows by 1.2 while the sign stays and halves when it turns; then the step is left out.
    """
    agree = (slots[0] * gradient).sign()
    size = torch.where(step.number <= 1, step.learning_rate.expand_as(weight), slots[1])
    factor = torch.where(agree > 0, _GROW, torch.where(agree < 0, _SHRINK, 1.0)).to(weight.dtype)
    size = (size * factor).clamp(_SMALLEST, _LARGEST)
    gradient = torch.where(agree < 0, torch.zeros_like(gradient), gradient)
    return weight - size * gradient.sign(), (gradient, size)


def asgd(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    """w <- w - r g, and remember the mean of all w (Polyak and Juditsky 1992); torch's mean leaves out the first."""
    gradient = torch.addcmul(gradient, weight, step.weight_decay)
    new = weight - step.learning_rate * gradient
    return new, (slots[0] + (new - slots[0]) / (step.number - 1).clamp(min=1),)


class Functional(NamedTuple):
    """One law and the number of tensors it remembers for each parameter."""

    law: Law
    slots: int

    def start(self, weights: Mapping[str, Tensor]) -> Memory:
        """Return the memory before the first step."""
        return {name: tuple(torch.zeros_like(weight) for _ in range(self.slots)) for name, weight in weights.items()}

    def update(
        self,
        weights: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        *,
        memory: Memory,
        settings: Settings,
        number: int,
        stacked: bool = False,
    ) -> tuple[Weights, Memory]:
        """Return the weights and the memory after one step.

        Args:
            weights: parameters by name.
            gradients: of the same names.
            memory: what `start` or the last call returned.
            settings: of this step.
            number: of this step, from 1.
            stacked: True where the first axis of everything, settings included, is the network.

        >>> law, weights = FUNCTIONAL["sgd"], {"weight": torch.ones(1)}
        >>> law.update(weights, weights, memory=law.start(weights), settings=Settings(0.1), number=1)[0]
        {'weight': tensor([0.9000])}
        """
        values = [torch.as_tensor(value) for value in settings]
        values.append(torch.tensor(float(number)))
        steps: dict[int, Step] = {}
        for axes in {weight.ndim - stacked for weight in weights.values()}:
            fitting = [value.reshape(-1, *[1] * axes) if stacked and value.ndim else value for value in values]
            step = Step(*fitting)
            steps[axes] = step if axes >= 2 else step._replace(weight_decay=torch.zeros_like(step.weight_decay))
        new = {
            name: self.law(weight, gradients[name], memory[name], steps[weight.ndim - stacked])
            for name, weight in weights.items()
        }
        return {name: pair[0] for name, pair in new.items()}, {name: pair[1] for name, pair in new.items()}


FUNCTIONAL: Catalogue[Functional] = Catalogue(
    "optimizer",
    {
        "sgd": Functional(sgd, 1),
        "momentum": Functional(momentum, 1),
        "nesterov": Functional(nesterov, 1),
        "adam": Functional(adam, 2),
        "adamw": Functional(adamw, 2),
        "adagrad": Functional(adagrad, 1),
        "adadelta": Functional(adadelta, 2),
        "rmsprop": Functional(rmsprop, 1),
        "rprop": Functional(rprop, 2),
        "asgd": Functional(asgd, 1),
    },
)


def _adam_step(weight: Tensor, gradient: Tensor, slots: Slots, step: Step) -> tuple[Tensor, Slots]:
    mean = torch.lerp(slots[0], gradient, 1 - step.beta1)
    square = torch.addcmul(slots[1] * step.beta2, gradient * gradient, 1 - step.beta2)
    size = step.learning_rate / (1 - step.beta1**step.number)
    scale = (1 - step.beta2**step.number) ** -0.5
    return torch.addcmul(weight, mean / (square.sqrt() * scale + step.epsilon), size, value=-1), (mean, square)
