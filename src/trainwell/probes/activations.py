"""Probe: activations of the layers - mean, standard deviation, zeros, saturation, dead units."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from trainwell.core.contracts.moment import Moment
from trainwell.probes.layer_kinds import LayerKind, has_own_parameters, layer_kind
from trainwell.probes.sizes import mean_and_std

HOOK_SECONDS = "time/hook_seconds"
"""Signal in which a probe reports the time its hooks took in the forward pass; the controller counts it as a cost."""

# Outputs so far from the middle that the slope has fallen to 0.0066 and 0.02 of its maximum: sigmoid(5), tanh(2.65).
_SATURATED_BEYOND = {"sigmoid": (0.5, math.tanh(2.5) / 2), "tanh": (0.0, math.tanh(2.65))}
_LARGEST = 2**20  # Numbers of one layer that are measured; more examples add cost and little information.
_NARROWEST = 8  # In narrower layers a fraction of dead units means little (docs/references.md, T36).


@final
class ZeroCounter:
    """Counts for how many examples in a row the output of each unit of each layer was zero.

    Args:
        examples: for how many examples in a row the output of a unit must be zero to count as dead.
    """

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._zero_for: dict[str, Tensor] = {}
        self._total: dict[str, int] = {}

    def add(self, name: str, output: Tensor, *, axis: int) -> Tensor | None:
        """Add a batch; return the share of dead units, or None as long as too few examples were seen.

        Args:
            name: name of the layer.
            output: its output, (batch, ...).
            axis: axis along which the units lie.
        """
        axis %= output.ndim
        # NaN is not zero: what broke the run must not look like dead units.
        is_active = ~(output.amax(dim=[other for other in range(output.ndim) if other != axis]) <= 0)
        zero_for = self._zero_for.get(name)
        if zero_for is None or zero_for.shape != is_active.shape:
            zero_for = torch.zeros_like(is_active, dtype=torch.float32)
            self._total[name] = 0
        self._zero_for[name] = zero_for = (zero_for + len(output)).masked_fill(is_active, 0.0)
        self._total[name] += len(output)
        if self._total[name] < self._examples:
            return None
        return (zero_for >= self._examples).float().mean()


@final
class Activations:
    """Writes `activation/mean|std|zero_fraction|saturated_fraction|dead_fraction|normalised/<module>`.

    Mean and standard deviation are measured for every linear, convolutional and non-linear module; zeros for ReLUs;
    saturation for sigmoid and tanh. A ReLU unit is dead when its output was zero for the last `examples` examples that
    the probe saw, over as many readings as that takes. A module that is used several times in one step is measured at
    its first use. A layer that is followed by a normalisation layer is marked once: its spread does not matter.

    Args:
        examples: for how many examples in a row the output of a unit must be zero to count as dead.
    """

    def __init__(self, *, examples: int = 512) -> None:
        self._zeros = ZeroCounter(examples)
        self._handles: list[RemovableHandle] = []
        self._layers: dict[nn.Module, tuple[str, LayerKind]] = {}
        self._normalised: set[str] | None = None
        self._seen: set[str] = set()
        self._found: dict[str, Tensor] = {}
        self._unit_axis = 1
        self._seconds = 0.0
        self._problem: Exception | None = None

    def prepare(self, model: nn.Module) -> None:
        """Install hooks for one forward pass."""
        self._seen = set()
        self._found = {}
        self._seconds = 0.0
        self._layers = {
            module: (name or type(module).__name__, kind)
            for name, module in model.named_modules()
            if (kind := layer_kind(module)) is not None
        }
        # A hook of all modules and not of each: a module's own hooks are copied and saved along with it.
        self._handles.append(register_module_forward_hook(self._on_forward))

    def release(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._layers = {}

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Remove the hooks and return what they measured."""
        self.release()
        found = self._found
        self._found = {}
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

    def _on_forward(self, module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
        name, kind = self._layers.get(module, ("", None))
        # A pass without gradients is an evaluation between two steps, not the step.
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
                self._measure(name, kind, output=output[:rows])
        except Exception as problem:  # Raised at the next reading: never into the forward pass of the user.
            self._problem = problem
        self._seconds += time.perf_counter() - began

    def _measure(self, name: str, kind: LayerKind, *, output: Tensor) -> None:
        mean, spread = mean_and_std(output)
        self._found[f"activation/mean/{name}"] = mean
        self._found[f"activation/std/{name}"] = spread
        if kind.unit_axis is not None:
            self._unit_axis = kind.unit_axis
        if kind.nonlinearity in _SATURATED_BEYOND:
            middle, beyond = _SATURATED_BEYOND[kind.nonlinearity]
            self._found[f"activation/saturated_fraction/{name}"] = _positive_fraction((output - middle).abs() - beyond)
        if kind.is_relu:
            # NaN is not zero: zero times the mean is NaN exactly where the outputs are not finite.
            self._found[f"activation/zero_fraction/{name}"] = 1.0 - _positive_fraction(output) + 0.0 * mean
            if output.ndim > 1 and output.shape[self._unit_axis] >= _NARROWEST:
                dead = self._zeros.add(name, output, axis=self._unit_axis)
                if dead is not None:
                    self._found[f"activation/dead_fraction/{name}"] = dead


def _normalised(model: nn.Module) -> set[str]:
    """Return the layers with weights that are followed by a normalisation layer."""
    layers = [(name, module) for name, module in model.named_modules() if has_own_parameters(module)]
    return {
        name
        for (name, module), (_, following) in zip(layers, layers[1:], strict=False)
        if (kind := layer_kind(module)) is not None and kind.has_weights and "Norm" in type(following).__name__
    }


def _positive_fraction(values: Tensor) -> Tensor:
    # On the processor, counting booleans is ten times slower than averaging signs.
    return values.clamp(min=0).sign().mean(dtype=torch.float32)
