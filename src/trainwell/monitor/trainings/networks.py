"""Which module is the network of a training, and what is known of its layers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from trainwell.monitor.code.source_lines import user_frames, variable_name
from trainwell.monitor.trainings.keras import keras_layers, keras_weights
from trainwell.monitor.trainings.optimizers import parameters_of
from trainwell.probes import norms

_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}
_MOST_TENSORS = 16  # of a nest of arguments


class LooseParameters(nn.Module):
    """Stands for a network whose parameters lie in no module that was called.

    Args:
        parameters: name to tensor.
        name: name of the network; "" if it is unknown.
        layers: its layers, by the names their user knows.
    """

    def __init__(
        self, parameters: dict[str, Any], *, name: str = "", layers: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__()
        self._loose = parameters
        self._layers = dict(layers or {})
        self.name = name

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield itself and the layers."""
        yield prefix, self
        yield from self._layers.items()

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the parameters."""
        yield from self._loose.items()


def compose(roots: Sequence[nn.Module], optimizers: Sequence[Optimizer], *, parents: Iterable[nn.Module]) -> nn.Module:
    """Return the one module that stands for what a training changes.

    Args:
        roots: the outermost modules that were called and that the training changes.
        optimizers: the optimizers of the training.
        parents: modules in whose methods the roots were called.
    Returns:
        the root that contains all others; else the parent that does; else a `ModuleDict` of the roots by their variable
        names; without roots, the parameters of the optimizers.
    """
    outermost = _outermost(roots)
    if len(outermost) == 1:
        return with_user_names(outermost[0])
    if not outermost:
        loose = [p for optimizer in optimizers for p in parameters_of(optimizer)]
        return LooseParameters({variable_name(p) or f"parameter{number}": p for number, p in enumerate(loose)})
    for parent in parents:
        inside = set(parent.modules())
        if all(root in inside for root in outermost):
            return parent
    names = [variable_name(root) or f"{type(root).__name__.lower()}{number}" for number, root in enumerate(outermost)]
    return nn.ModuleDict({name.replace(".", "_"): root for name, root in zip(names, outermost, strict=True)})


def _outermost(roots: Sequence[nn.Module]) -> list[nn.Module]:
    """Return the roots that lie in no other root, and whose parameters are not all held by a larger one."""
    own = {one: {id(p) for p in one.parameters()} for one in roots}
    inner = {module for one in roots for module in one.modules() if module is not one}
    holders: dict[int, list[nn.Module]] = {}  # thousands of roots may be called: do not compare all pairs
    for one in roots:
        for p in own[one]:
            holders.setdefault(p, []).append(one)
    return [
        one
        for one in roots
        if one not in inner and not any(own[one] < own[other] for p in own[one] for other in holders[p])
    ]


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the network inside a wrapper that distributes or compiles it."""
    while (name := _WRAPPERS.get(type(module).__name__)) and isinstance(inside := getattr(module, name), nn.Module):
        module = inside
    return module


def with_user_names(module: nn.Module) -> nn.Module:
    """Return a network whose parameters have the names its user knows: of Keras networks those of Keras."""
    weights = keras_weights(module)
    return LooseParameters(weights, name=type(module).__name__, layers=keras_layers(module)) if weights else module


def network_name(module: nn.Module) -> str:
    """Return the name of a network for display."""
    return (isinstance(module, LooseParameters) and module.name) or type(module).__name__


def calling_modules(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules that contain a module and in whose methods it is being called."""
    for frame in user_frames():
        parent = frame.f_locals.get("self")
        if isinstance(parent, nn.Module) and parent is not module and any(one is module for one in parent.modules()):
            yield parent


def depends_on_mode(model: nn.Module, trained: set[int]) -> bool:
    """Tell whether a network computes something else in train mode than in eval mode, in the part that is trained.

    Args:
        model: the network.
        trained: `id`s of the parameters that an optimizer changes.
    """
    whole = sum(p.numel() for p in model.parameters())
    mostly = 2 * sum(p.numel() for p in model.parameters() if p.requires_grad and id(p) in trained) >= whole
    for module in model.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            if module.weight is None or (module.weight.requires_grad and id(module.weight) in trained):
                return True
        if mostly and (
            (isinstance(module, _DropoutNd) and module.p > 0) or (isinstance(module, nn.RNNBase) and module.dropout > 0)
        ):
            return True
    return False


def is_frozen_at_initialisation(module: nn.Module) -> bool:
    """Tell whether a linear or convolutional layer is frozen with the random weights of PyTorch's initialisation.

    >>> layer = nn.Linear(30, 40).requires_grad_(False)
    >>> is_frozen_at_initialisation(layer), is_frozen_at_initialisation(nn.Linear(30, 40))
    (True, False)
    """
    if not isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)) or module.weight.requires_grad:
        return False
    weight = module.weight.detach()
    count = weight.numel()
    # kaiming_uniform_(a=sqrt(5)) draws uniformly from -1/sqrt(inputs) to 1/sqrt(inputs); few weights scatter more.
    bound = 1 / math.sqrt(weight[0].numel())
    scatter = 1 / math.sqrt(count)
    spread = float(weight.std()) / (bound / math.sqrt(3))
    largest = float(weight.abs().max()) / bound
    return count >= 64 and abs(spread - 1) < 0.05 + scatter and 1 - 6 / count < largest <= 1 + 1e-5


def gradient_norm(parameters: Iterable[Tensor]) -> float:
    """Return the norm of the gradients of parameters; 0 if none has a gradient."""
    gradients = [p.grad.detach() for p in parameters if p.grad is not None]
    dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
    if not dense:
        return 0.0
    device = dense[0].device
    return float(torch.stack(norms([gradient for gradient in dense if gradient.device == device])).norm())


def first_tensor(thing: Any) -> Tensor | None:
    """Return the first tensor in nested tuples, lists and mappings; floating-point tensors before others."""
    found: list[Tensor] = []
    waiting = [thing]
    while waiting and len(found) < _MOST_TENSORS:
        one = waiting.pop(0)
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, dict):
            waiting = [*one.values(), *waiting]
        elif isinstance(one, (tuple, list)):
            waiting = [*one, *waiting]
    return next((one for one in found if one.is_floating_point()), found[0] if found else None)
