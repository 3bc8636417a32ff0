"""One step of the optimizer for many networks, with each network's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch
from torch import Tensor

from trainwell.optim.functional import DECAYED_AXES, FUNCTIONAL, Out, Settings, Slots, StepSettings

# Settings that cost arithmetic only where a network uses them.
_OPTIONAL = ("nesterov", "weight_decay")


@final
class StackedOptimizer:
    """An optimizer of `optim.functional` for stacked weights. W is the number of networks.

    Args:
        name: of the optimizer.
        settings: its settings by name, except for the learning rate, (W,) each; those left out keep their default.

    >>> weights = {"w": torch.ones(2, 3, 1)}
    >>> optimizer = StackedOptimizer("sgd", {"momentum": torch.zeros(2)})
    >>> state = optimizer.start(weights)
    >>> gradients = {"w": torch.ones(2, 3, 1)}
    >>> rates = torch.tensor([0.1, 0.2])
    >>> weights, state = optimizer.step(weights, gradients, state=state, rates=rates, number=1)
    >>> weights["w"][:, 0, 0]
    tensor([0.9000, 0.8000])
    """

    def __init__(self, name: str, settings: Mapping[str, Tensor]) -> None:
        self._name = name
        self._functional = FUNCTIONAL[name]
        self._settings = dict(settings)
        self._shaped: dict[int, StepSettings] = {}

    def start(self, weights: Mapping[str, Tensor]) -> dict[str, Slots]:
        """Return the state before the first step."""
        return self._functional.start(weights)

    def step(
        self,
        weights: Mapping[str, Tensor],
        gradients: Mapping[str, Tensor],
        *,
        state: Mapping[str, Slots],
        rates: Tensor,
        number: int,
    ) -> tuple[dict[str, Tensor], dict[str, Slots]]:
        """Return weights and state after one step; the tensors given may be overwritten.

        Args:
            weights: parameters by name, (W, ...).
            gradients: of the same names.
            state: what `start` or the last call returned.
            rates: the learning rate of each network, (W,).
            number: number of the step, from 1.
        """
        # Gradients that share memory, as those of a sum of two parameters do, must not be written into.
        separate = len({gradient.data_ptr() for gradient in gradients.values()}) == len(gradients)
        count = torch.tensor(float(number))
        steps = {
            axes: self._shape(axes, like=rates)._replace(learning_rate=_column(rates, axes), number=count)
            for axes in {weight.ndim for weight in weights.values()}
        }
        new_weights: dict[str, Tensor] = {}
        new_state: dict[str, Slots] = {}
        for name, weight in weights.items():
            gradient = gradients[name]
            if not separate or not gradient.is_contiguous():
                gradient = gradient.clone(memory_format=torch.contiguous_format)
            slots = state[name]
            new_weights[name], new_state[name] = self._functional.rule(
                weight, gradient, slots=slots, step=steps[weight.ndim], out=Out(weight, gradient, slots)
            )
        return new_weights, new_state

    def select(self, rows: Sequence[int]) -> StackedOptimizer:
        """Return the optimizer of some of the networks."""
        return StackedOptimizer(self._name, {key: value[list(rows)] for key, value in self._settings.items()})

    def join(self, others: Sequence[StackedOptimizer]) -> StackedOptimizer:
        """Return the optimizer of the networks of all these."""
        joined = {key: torch.cat([other._settings[key] for other in others]) for key in self._settings}
        return StackedOptimizer(self._name, joined)

    def _shape(self, axes: int, *, like: Tensor) -> StepSettings:
        """Return the settings, shaped to broadcast against a weight with this number of axes; computed once."""
        if axes not in self._shaped:
            defaults = Settings(0.0)._asdict()
            columns = {key: self._settings.get(key, torch.full_like(like, value)) for key, value in defaults.items()}
            values: dict[str, Tensor | None] = {key: _column(value, axes) for key, value in columns.items()}
            for key in _OPTIONAL:
                if not bool(columns[key].any()):
                    values[key] = None
            if axes - 1 < DECAYED_AXES:
                values["weight_decay"] = None
            self._shaped[axes] = StepSettings(**values, number=like)  # type: ignore[arg-type]
        return self._shaped[axes]


def _column(values: Tensor, axes: int) -> Tensor:
    return values.reshape(-1, *[1] * (axes - 1))
