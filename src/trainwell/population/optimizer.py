"""One step of the optimizer for many networks, written into the memory that is there.

The pure laws of `optim.functional` return new tensors; on stacked weights of a few megabytes, fetching fresh memory
takes as long as the arithmetic. Those that most searches use are also written in place here, and equal the pure ones
(a test holds them together); any other law of the catalogue is used as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from trainwell.optim.functional import FUNCTIONAL, Settings

Slots = tuple[Tensor, ...]
Values = Mapping[str, Tensor]
InPlace = Callable[[Tensor, Tensor, Slots, Values], None]


def _sgd(weight: Tensor, gradient: Tensor, slots: Slots, of: Values) -> None:
    if "weight_decay" in of:
        gradient.addcmul_(weight, of["weight_decay"])
    velocity = slots[0].mul_(of["momentum"]).add_(gradient)
    if "nesterov" not in of:
        weight.addcmul_(velocity, of["learning_rate"], value=-1)
        return
    # v, or g + m v where a member looks ahead
    ahead = velocity * torch.where(of["nesterov"] > 0, of["momentum"], 1.0)
    weight.addcmul_(ahead.addcmul_(gradient, of["nesterov"]), of["learning_rate"], value=-1)


def _adam(weight: Tensor, gradient: Tensor, slots: Slots, of: Values) -> None:
    if "weight_decay" in of:
        gradient.addcmul_(weight, of["weight_decay"])
    _adam_step(weight, gradient, slots, of)


def _adamw(weight: Tensor, gradient: Tensor, slots: Slots, of: Values) -> None:
    if "weight_decay" in of:
        weight.mul_(1 - of["learning_rate"] * of["weight_decay"])
    _adam_step(weight, gradient, slots, of)


def _adam_step(weight: Tensor, gradient: Tensor, slots: Slots, of: Values) -> None:
    mean, square = slots
    mean.lerp_(gradient, 1 - of["beta1"])
    square.mul_(of["beta2"]).add_(gradient.mul_(gradient).mul_(1 - of["beta2"]))
    scale = (1 - of["beta2"] ** of["number"]) ** -0.5
    size = of["learning_rate"] / (1 - of["beta1"] ** of["number"])
    denominator = torch.sqrt(square, out=gradient).mul_(scale).add_(of["epsilon"])
    weight.addcmul_(torch.div(mean, denominator, out=denominator), size, value=-1)


_IN_PLACE: Mapping[str, InPlace] = {"sgd": _sgd, "adam": _adam, "adamw": _adamw}


@final
class Optimizer:
    """An optimizer of the catalogue for stacked weights, with each member's own settings.

    Args:
        name: in `optim.functional.FUNCTIONAL`.
        hyper: its settings by name, (W,).

    >>> weights = {"w": torch.ones(2, 3, 1)}
    >>> still = torch.zeros(2)
    >>> optimizer = Optimizer("sgd", {"momentum": still, "nesterov": still, "weight_decay": still})
    >>> memory = optimizer.start(weights)
    >>> weights, memory = optimizer.step(weights, {"w": torch.ones(2, 3, 1)}, memory, (torch.tensor([0.1, 0.2]), 1))
    >>> weights["w"][:, 0, 0]
    tensor([0.9000, 0.8000])
    """

    def __init__(self, name: str, hyper: Mapping[str, Tensor]) -> None:
        self._name, self._law, self._in_place = name, FUNCTIONAL[name], _IN_PLACE.get(name)
        self._hyper = {key: value for key, value in hyper.items() if key in Settings._fields}
        # What no member uses costs nothing.
        self._used = {
            key: value
            for key, value in self._hyper.items()
            if key not in ("weight_decay", "nesterov") or bool(value.any())
        }
        self._shaped: dict[int, dict[str, Tensor]] = {}

    def start(self, weights: Mapping[str, Tensor]) -> dict[str, Slots]:
        """Return what it remembers before the first step."""
        return self._law.start(weights)

    def step(
        self,
        weights: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        memory: Mapping[str, Slots],
        when: tuple[Tensor, int],
    ) -> tuple[dict[str, Tensor], dict[str, Slots]]:
        """Return weights and memory after one step; the tensors given are used up.

        Args:
            weights: parameters by name, (W, ...).
            gradients: of the same names.
            memory: what `start` or the last call returned.
            when: each member's learning rate, (W,), and the number of the step, from 1.
        """
        rates, number = when
        if self._in_place is None:
            settings = Settings(rates, **self._hyper)
            return self._law.update(
                weights, gradients, memory=dict(memory), settings=settings, number=number, stacked=True
            )
        # Gradients that share memory, as those of a sum of two parameters do, are not to be written into.
        apart = len({gradient.data_ptr() for gradient in gradients.values()}) == len(gradients)
        count = torch.tensor(float(number))
        of = {
            axes: self._values(axes) | {"learning_rate": _fit(rates, axes), "number": count}
            for axes in {weight.ndim for weight in weights.values()}
        }
        for name, weight in weights.items():
            gradient = gradients[name]
            if not apart or not gradient.is_contiguous():
                gradient = gradient.clone(memory_format=torch.contiguous_format)
            self._in_place(weight, gradient, memory[name], of[weight.ndim])
        return dict(weights), dict(memory)

    def select(self, rows: Sequence[int]) -> Optimizer:
        """Return the optimizer of some of the members."""
        return Optimizer(self._name, {key: value[list(rows)] for key, value in self._hyper.items()})

    def join(self, others: Sequence[Optimizer]) -> Optimizer:
        """Return the optimizer of the members of all these."""
        joined = {key: torch.cat([other._hyper[key] for other in others]) for key in self._hyper}
        return Optimizer(self._name, joined)

    def _values(self, axes: int) -> dict[str, Tensor]:
        """Return the settings, shaped to broadcast against a weight; only matrices and filters decay."""
        if axes not in self._shaped:
            self._shaped[axes] = {
                key: _fit(value, axes) for key, value in self._used.items() if axes > 2 or key != "weight_decay"
            }
        return self._shaped[axes]


def _fit(values: Tensor, axes: int) -> Tensor:
    return values.reshape(-1, *[1] * (axes - 1))
