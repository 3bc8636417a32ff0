"""Which parameters no optimizer holds, which received no gradient, and which layers keep their initial statistics."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainwell.monitor.code.source_lines import variable_name
from trainwell.monitor.trainings.networks import unwrapped
from trainwell.monitor.trainings.observations import Observations

_FEWEST_BATCHES = 10  # After so many, running statistics are no longer exactly 0 and 1.


@dataclass(frozen=True)
class Coverage:
    """What runs, learns and is optimised in one sampled step.

    Args:
        observations: what was observed in the step.
        model: the network of the training.
        trained: `id`s of the parameters this training changes.
        optimised: `id`s of the parameters any optimizer holds.
        was_trained: tells whether a parameter was trained before.
    """

    observations: Observations
    model: nn.Module
    trained: set[int]
    optimised: set[int]
    was_trained: Callable[[Tensor], bool]

    def parameters(self) -> list[tuple[str, nn.Parameter]]:
        """Return the parameters that are there to learn, also those outside the network, by name."""
        named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        return named + self._unregistered() + self._in_other_networks()

    def unused(self, named: list[tuple[str, nn.Parameter]]) -> set[str]:
        """Return the names of the parameters of layers that did not run."""
        return {name for name, p in named if id(p) not in self._called_parameters and p.grad is None}

    def faults(self, named: list[tuple[str, nn.Parameter]]) -> Iterator[tuple[str, float, bool]]:
        """Yield a signal for each parameter, its share of all parameters, and whether it is at fault."""
        whole = sum(p.numel() for _, p in named) or 1
        reached = self.trained & self._called_parameters
        for name, p in named:
            share = p.numel() / whole
            is_unoptimised = id(p) not in self.optimised and p.grad is not None
            yield f"code/parameters_not_in_optimizer/{name}", share, is_unoptimised
            yield f"code/gradient_missing/{name}", share, id(p) in reached and p.grad is None

    def constant_statistics(self) -> Iterator[tuple[str, float]]:
        """Yield the normalisation layers whose running statistics are the initial ones, and the batches they saw."""
        candidates = self.observations.called - set(self.observations.modules.loaded)
        for name, layer in self.model.named_modules():
            if isinstance(layer, _BatchNorm) and layer.training and layer in candidates:
                mean = layer.running_mean
                variance = layer.running_var
                seen = layer.num_batches_tracked
                if mean is not None and variance is not None and seen is not None and int(seen) >= _FEWEST_BATCHES:
                    if not bool(mean.any()) and bool((variance == 1).all()):
                        yield name, float(seen)

    @functools.cached_property
    def _called_parameters(self) -> set[int]:
        return {id(p) for module in self.observations.called for p in module.parameters(recurse=False)}

    def _unregistered(self) -> list[tuple[str, nn.Parameter]]:
        """Return parameters of layers that run and learn but lie in a plain list, where PyTorch does not find them."""
        called = self.observations.called
        inside = set(self.model.modules())
        names: dict[nn.Module, str] = {}
        for parent in inside & called:
            for attribute, value in vars(parent).items():
                items = (
                    value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
                )
                if attribute != "_modules":
                    names |= {one: f"{attribute}.{key}" for key, one in items if isinstance(one, nn.Module)}
        return [
            (f"{names[module]}.{name}", p)
            for module in names
            if module in called and module not in inside
            for name, p in module.named_parameters()
            if p.requires_grad and p.grad is not None and id(p) not in self.optimised
        ]

    def _in_other_networks(self) -> list[tuple[str, nn.Parameter]]:
        """Return parameters of other networks that receive gradients and are in no optimizer.

        Networks that are meant to stay as they are, because they were loaded, trained before or put into eval mode,
        are left out.
        """
        inside = set(self.model.modules())
        found: list[tuple[str, nn.Parameter]] = []
        for module, call in self.observations.calls.items():
            is_loaded = module in self.observations.modules.loaded
            is_elsewhere = call.thread != threading.get_ident()  # its gradients must not be read
            if not call.with_gradients or not call.training or unwrapped(module) in inside or is_loaded or is_elsewhere:
                continue
            own = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
            if all(p.grad is not None and id(p) not in self.optimised and not self.was_trained(p) for _, p in own):
                title = variable_name(module) or type(module).__name__
                found += [(f"{title}.{name}", p) for name, p in own]
        return found
