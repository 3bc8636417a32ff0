"""Probe: what the layers answer - mean, spread, zeros, saturation, units that never fire."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from trainwell.core.moment import Moment
from trainwell.probes.sizes import mean_and_std

HOOK_SECONDS = "time/hook_seconds"
"""Signal in which a probe reports the time its hooks took inside the forward pass; the controller counts it."""

_CURVES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Softplus: "softplus",
}
_RECTIFIERS = ("relu", "relu6")
# Answers so far from the middle that the slope has fallen to 0.0066 and 0.02 of its largest: sigmoid(5), tanh(2.65).
_SATURATED_BEYOND = {"sigmoid": (0.5, math.tanh(2.5) / 2), "tanh": (0.0, math.tanh(2.65))}
_WEIGHTED: tuple[type[nn.Module], ...] = (nn.Linear, nn.modules.conv._ConvNd)
_KERAS_WEIGHTED = frozenset({"Dense", "BaseConv", "BaseConvTranspose", "BaseDepthwiseConv", "BaseSeparableConv"})
_KERAS_CURVES = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "ELU": "elu"}
_LARGEST = 2**20  # Numbers of one layer that are looked at; more examples add cost, not knowledge.
_NARROWEST = 8  # In narrower layers a fraction of dead units means little (diagnosis T10).


@dataclass(frozen=True)
class Nature:
    """What a layer is.

    Args:
        weighted: whether it is linear or a convolution.
        curve: what its answer passes last, "relu" or "tanh"; "" for nothing, or nothing that is known.
        unit_axis: axis of its answer along which its units lie; None for those of the layer before it.
    """

    weighted: bool
    curve: str = ""
    unit_axis: int | None = None


def nature(module: nn.Module) -> Nature | None:
    """Say what a layer of PyTorch or of Keras is; None for one whose answer is not looked at.

    >>> nature(nn.Conv2d(1, 8, 3)), nature(nn.Flatten())
    (Nature(weighted=True, curve='', unit_axis=1), None)
    """
    if isinstance(module, _WEIGHTED):
        return Nature(True, unit_axis=-1 if isinstance(module, nn.Linear) else 1)
    if (curve := next((name for kind, name in _CURVES.items() if isinstance(module, kind)), "")) or not hasattr(
        module, "_torch_params"
    ):
        return Nature(False, curve) if curve else None
    kinds = {kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("keras.")}
    curve = getattr(getattr(module, "activation", None), "__name__", "")
    curve = next((name for kind, name in _KERAS_CURVES.items() if kind in kinds), curve)
    curve = "leaky_relu" if curve == "relu" and getattr(module, "negative_slope", 0.0) else curve
    curve = curve if curve in _CURVES.values() else ""
    if kinds & _KERAS_WEIGHTED:
        return Nature(True, curve, 1 if getattr(module, "data_format", "") == "channels_first" else -1)
    return Nature(False, curve) if curve and kinds & {"Activation", *_KERAS_CURVES} else None


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
        self._layers: dict[nn.Module, tuple[str, Nature]] = {}
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
        self._layers = {
            module: (name or type(module).__name__, kind)
            for name, module in model.named_modules()
            if (kind := nature(module)) is not None
        }
        # A hook of all modules and not of each: a module's own hooks are copied and saved along with it.
        self._handles.append(register_module_forward_hook(self._see))

    def disarm(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles, self._layers = [], {}

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
        name, kind = self._layers.get(module, ("", None))
        # Without gradients it is an evaluation that lies between two steps, not the step.
        if (
            kind is None
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
                self._measure(name, kind, output[:rows])
        except Exception as problem:  # Raised at the next reading: never into the forward pass of the user.
            self._problem = problem
        self._seconds += time.perf_counter() - began

    def _measure(self, name: str, kind: Nature, output: Tensor) -> None:
        mean, spread = mean_and_std(output)
        self._found[f"activation/mean/{name}"] = mean
        self._found[f"activation/std/{name}"] = spread
        if kind.unit_axis is not None:
            self._unit_axis = kind.unit_axis
        if kind.curve in _SATURATED_BEYOND:
            middle, beyond = _SATURATED_BEYOND[kind.curve]
            self._found[f"activation/saturated_fraction/{name}"] = _positive_fraction((output - middle).abs() - beyond)
        if kind.curve in _RECTIFIERS:
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
    layers = [
        (name, module)
        for name, module in model.named_modules()
        if module._parameters or len(getattr(module, "_torch_params", ()))
    ]
    return {
        name
        for (name, module), (_, following) in zip(layers, layers[1:], strict=False)
        if (kind := nature(module)) is not None and kind.weighted and "Norm" in type(following).__name__
    }


def _positive_fraction(values: Tensor) -> Tensor:
    # Counting truth values is ten times slower on the processor than averaging signs.
    return values.clamp(min=0).sign().mean(dtype=torch.float32)
