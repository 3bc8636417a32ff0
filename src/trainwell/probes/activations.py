"""Probe: what the layers answer - mean, spread, zeros, saturation, units that never fire."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from trainwell.core.moment import Moment
from trainwell.probes.sizes import mean_and_std

HOOK_SECONDS = "time/hook_seconds"
"""Signal in which a probe reports the time its hooks took inside the forward pass; the controller counts it."""

_RECTIFIERS: tuple[type[nn.Module], ...] = (nn.ReLU, nn.ReLU6)
# Where the slope has fallen to 0.0066 and 0.02 of its largest value: sigmoid'(5), tanh'(2.65).
_SATURATED_BEYOND: dict[type[nn.Module], float] = {nn.Sigmoid: 5.0, nn.Tanh: 2.65}
_NON_LINEAR: tuple[type[nn.Module], ...] = (
    *_RECTIFIERS,
    *_SATURATED_BEYOND,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Softplus,
)
_WEIGHTED: tuple[type[nn.Module], ...] = (nn.Linear, nn.modules.conv._ConvNd)
_WATCHED = _WEIGHTED + _NON_LINEAR
_LARGEST = 2**20  # Numbers of one layer that are looked at; more examples add cost, not knowledge.
_NARROWEST = 8  # In narrower layers a fraction of dead units means little (diagnosis T10).


@final
class Activations:
    """Writes `activation/mean|std|zero_fraction|saturated_fraction|dead_fraction|normalised/<module>`.

    Mean and standard deviation are taken for every linear, convolutional and non-linear module; zeros for
    rectifiers; saturation for sigmoid and tanh. A unit of a rectifier is dead when it has not fired for the last
    `examples` examples the probe saw, over as many readings as that takes. A module that is used several
    times in one step is measured at its first use. What a normalisation layer follows is marked once: its spread
    does not matter.

    Args:
        examples: how many examples in a row a unit must stay silent to count as dead.
    """

    def __init__(self, *, examples: int = 512) -> None:
        self._examples = examples
        self._handles: list[RemovableHandle] = []
        self._names: dict[nn.Module, str] = {}
        self._normalised: set[str] | None = None
        self._seen: set[str] = set()
        self._found: dict[str, Tensor] = {}
        self._silent: dict[str, Tensor] = {}
        self._total: dict[str, int] = {}
        self._unit_axis = 1
        self._seconds = 0.0
        self._problem: Exception | None = None

    def arm(self, model: nn.Module) -> None:
        """Install hooks for one forward pass."""
        self._seen, self._found, self._seconds = set(), {}, 0.0
        self._names = {
            module: name or type(module).__name__
            for name, module in model.named_modules()
            if isinstance(module, _WATCHED)
        }
        # A hook of all modules and not of each: a module's own hooks are copied and saved along with it.
        self._handles.append(register_module_forward_hook(self._see))

    def disarm(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._names = [], {}

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Remove the hooks and return what they measured."""
        self.disarm()
        found, self._found = self._found, {}
        if self._problem is not None:
            raise self._problem
        if not found:
            return {}
        numbers: list[float] = torch.stack(list(found.values())).tolist()
        marks: dict[str, float] = {}
        if self._normalised is None:
            self._normalised = _normalised(moment.model)
            marks = {f"activation/normalised/{name}": 1.0 for name in self._normalised}
        return {**dict(zip(found, numbers, strict=True)), **marks, HOOK_SECONDS: self._seconds}

    def _see(self, module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
        name = self._names.get(module)
        # Without gradients it is an evaluation that lies between two steps, not the step.
        if (
            name is None
            or name in self._seen
            or not torch.is_grad_enabled()
            or not isinstance(output, Tensor)
            or not output.numel()
        ):
            return
        began = time.perf_counter()
        self._seen.add(name)
        try:
            with torch.no_grad():
                rows = max(1, _LARGEST * len(output) // output.numel())
                self._measure(name, module, inputs=[given[:rows] for given in inputs[:1]], output=output[:rows])
        except Exception as problem:  # Raised at the next reading: never into the forward pass of the user.
            self._problem = problem
        self._seconds += time.perf_counter() - began

    def _measure(self, name: str, module: nn.Module, *, inputs: list[Tensor], output: Tensor) -> None:
        mean, spread = mean_and_std(output)
        self._found[f"activation/mean/{name}"] = mean
        self._found[f"activation/std/{name}"] = spread
        if isinstance(module, _WEIGHTED):
            self._unit_axis = -1 if isinstance(module, nn.Linear) else 1
        beyond = _SATURATED_BEYOND.get(type(module))
        if beyond is not None:
            self._found[f"activation/saturated_fraction/{name}"] = _positive_fraction(inputs[0].abs() - beyond)
        if isinstance(module, _RECTIFIERS):
            # Nor is NaN zero: zero times the mean is NaN exactly where the answers are not finite.
            self._found[f"activation/zero_fraction/{name}"] = 1.0 - _positive_fraction(output) + 0.0 * mean
            if output.ndim > 1 and output.shape[self._unit_axis] >= _NARROWEST:
                self._count_silent(name, output)

    def _count_silent(self, name: str, output: Tensor) -> None:
        axis = self._unit_axis % output.ndim
        # NaN is not silence: what broke the run must not look like dead units.
        fired = ~(output.amax(dim=[other for other in range(output.ndim) if other != axis]) <= 0)
        silent = self._silent.get(name)
        if silent is None or silent.shape != fired.shape:
            silent = torch.zeros_like(fired, dtype=torch.float32)
            self._total[name] = 0
        self._silent[name] = silent = (silent + len(output)).masked_fill(fired, 0.0)
        self._total[name] += len(output)
        if self._total[name] >= self._examples:
            self._found[f"activation/dead_fraction/{name}"] = (silent >= self._examples).float().mean()


def _normalised(model: nn.Module) -> set[str]:
    """Name the weighted layers after which the next layer with parameters of its own is a normalisation."""
    layers = [(name, module) for name, module in model.named_modules() if module._parameters]
    return {
        name
        for (name, module), (_, following) in zip(layers, layers[1:], strict=False)
        if isinstance(module, _WEIGHTED) and "Norm" in type(following).__name__
    }


def _positive_fraction(values: Tensor) -> Tensor:
    # Counting truth values is ten times slower on the processor than averaging signs.
    return values.clamp(min=0).sign().mean(dtype=torch.float32)
