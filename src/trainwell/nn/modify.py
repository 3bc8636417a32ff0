"""Apply the recipe's choice of normalisation, dropout, pooling and DropConnect to a finished architecture.

One implementation for all architectures: layers are found by type and replaced or wrapped; their paths stay.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrizations

from trainwell.core.batch import blank
from trainwell.core.contracts.outputs import call_network
from trainwell.core.errors import UsageError
from trainwell.core.facts import InputFacts
from trainwell.nn.activations import ACTIVATIONS
from trainwell.nn.layers import NORMALISATIONS, POOLINGS, ClassicDropout, DecorrelatedBatchNorm, DropConnect
from trainwell.recipe.sections import NetworkRecipe

AS_DESIGNED = "as_designed"
WEIGHT = "weight"
NORMALISATION_NAMES = (AS_DESIGNED, *NORMALISATIONS, WEIGHT)
POOLING_NAMES = (AS_DESIGNED, *POOLINGS)

_ACTIVATIONS = tuple(type(build()) for build in ACTIVATIONS.values())
_MAPS_ONLY = ("instance", "local_response")
_NORMS = (_BatchNorm, nn.GroupNorm, nn.modules.instancenorm._InstanceNorm, nn.LocalResponseNorm, DecorrelatedBatchNorm)
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


def modify(model: nn.Module, settings: NetworkRecipe, *, facts: InputFacts) -> None:
    """Modify a network in place as the recipe says; settings left at "as_designed" or 0 change nothing.

    Args:
        model: a network; its output layer is called `head`.
        settings: activation, normalisation, pooling, dropout and dropconnect are read.
        facts: of one prepared example, to determine layer sizes.
    Raises:
        UsageError: if the network has no layer that a setting applies to.

    >>> net = nn.Sequential(OrderedDict(fc=nn.Linear(3, 4), act=nn.ReLU(), head=nn.Linear(4, 2)))
    >>> modify(net, NetworkRecipe(normalisation="batch"), facts=InputFacts((3,)))
    >>> net.act.normalisation.num_features, net.act.activation
    (4, ReLU())
    """
    if settings.activation != "relu":
        _exchange(model, lambda path, old: ACTIVATIONS[settings.activation]() if type(old) is nn.ReLU else None)
    if settings.pooling != AS_DESIGNED:
        _require(
            _exchange(model, lambda path, old: _pool(old, settings.pooling)), "pooling", what="max or average pooling"
        )
    shapes: dict[str, tuple[int, ...]] = {}
    drops = settings.dropout > 0 and not _has_dropout(model)
    if settings.normalisation not in (AS_DESIGNED, WEIGHT) or drops:
        shapes = _shapes(model, facts)
    places = _places_of_dropout(model, shapes) if drops else ()  # paths before normalisation wraps them
    if settings.normalisation != AS_DESIGNED:
        _normalise(model, settings, shapes=shapes)
    if places:
        _exchange(model, lambda path, old: _dropped(old, settings.dropout) if path in places else None)
    if settings.classic_dropout:
        _exchange(model, lambda path, old: ClassicDropout(old.p) if type(old) is nn.Dropout else None)
    if settings.dropconnect:
        changed = _exchange(model, lambda path, old: _connect(path, old, p=settings.dropconnect))
        _require(changed, "dropconnect", what="hidden fully connected layer")


def batch_dependent(model: nn.Module) -> bool:
    """Tell whether the examples of a batch influence each other in training.

    >>> batch_dependent(nn.BatchNorm1d(3)), batch_dependent(nn.LayerNorm(3))
    (True, False)
    """
    return any(isinstance(module, (_BatchNorm, DecorrelatedBatchNorm)) for module in model.modules())


def _normalise(model: nn.Module, settings: NetworkRecipe, *, shapes: dict[str, tuple[int, ...]]) -> None:
    name = settings.normalisation
    designed = [path for path, module in model.named_modules() if isinstance(module, _NORMS)]
    if name == WEIGHT:
        _exchange(model, lambda path, old: nn.Identity() if path in designed else None)
        layers = [module for module in model.modules() if isinstance(module, (nn.Linear, *_CONVOLUTIONS))]
        for module in layers:
            parametrizations.weight_norm(module)
        return _require(len(layers), "normalisation", what="linear or convolution layer")
    if name == "none" and not designed:
        return None
    if designed:
        if settings.normalise == "after":
            raise UsageError(
                "nn.normalise must be 'before' for a network designed with normalisation, got 'after'. Omit it."
            )
        changed = _exchange(model, lambda path, old: _norm(name, shapes.get(path, ())) if path in designed else None)
        return _require(changed, "normalisation", what="layer")

    def wrap(path: str, old: nn.Module) -> nn.Module | None:
        new = _norm(name, shapes[path]) if path in shapes and isinstance(old, _ACTIVATIONS) else None
        if new is None:
            return None
        pairs = [("normalisation", new), ("activation", old)]
        return nn.Sequential(OrderedDict(pairs if settings.normalise == "before" else reversed(pairs)))

    what = "feature map before a non-linearity" if name in _MAPS_ONLY else "layer with a non-linearity"
    return _require(_exchange(model, wrap), "normalisation", what=what)


def _norm(name: str, shape: tuple[int, ...]) -> nn.Module | None:
    """Build a normalisation for (batch, channels, ...) activations; None where it does not apply."""
    if len(shape) == 2:
        if name in _MAPS_ONLY:
            return None
        return nn.BatchNorm1d(shape[1]) if name == "batch" else NORMALISATIONS[name](shape[1])
    return NORMALISATIONS[name](shape[1]) if len(shape) == 4 else None


def _places_of_dropout(model: nn.Module, shapes: dict[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Return the non-linearities of hidden fully connected layers; without any, the input of the head."""
    modules = dict(model.named_modules(remove_duplicate=False))
    dense = [path for path, shape in shapes.items() if len(shape) == 2 and isinstance(modules[path], _ACTIVATIONS)]
    return tuple(dense or (path for path, module in modules.items() if shapes and type(module) is nn.Flatten))


def _dropped(old: nn.Module, p: float) -> nn.Module:
    name = "activation" if isinstance(old, _ACTIVATIONS) else "features"
    inside = old.named_children() if isinstance(old, nn.Sequential) else [(name, old)]
    return nn.Sequential(OrderedDict([*inside, ("dropout", nn.Dropout(p))]))


def _pool(old: nn.Module, name: str) -> nn.Module | None:
    if not isinstance(old, (nn.MaxPool2d, nn.AvgPool2d)):
        return None
    sizes = [side if isinstance(side, int) else side[0] for side in (old.kernel_size, old.stride, old.padding)]
    return POOLINGS[name](sizes[0], stride=sizes[1], padding=sizes[2], ceil=old.ceil_mode)


def _connect(path: str, old: nn.Module, *, p: float) -> nn.Module | None:
    if type(old) is not nn.Linear or path.rpartition(".")[2] == "head" or old.bias is None:
        return None
    return DropConnect(old.in_features, old.out_features, p=p)


def _has_dropout(model: nn.Module) -> bool:
    return any(isinstance(module, nn.modules.dropout._DropoutNd) for module in model.modules())


def _exchange(model: nn.Module, change: Callable[[str, nn.Module], nn.Module | None]) -> int:
    """Replace every module for which `change` returns a new one, and return the number of replacements."""
    made = {path: change(path, module) for path, module in model.named_modules(remove_duplicate=False) if path}
    for path, new in made.items():
        if new is not None:
            owner, _, name = path.rpartition(".")
            setattr(model.get_submodule(owner), name, new)
    return sum(new is not None for new in made.values())


def _shapes(model: nn.Module, facts: InputFacts) -> dict[str, tuple[int, ...]]:
    """Return the input shape of each non-linearity and normalisation, from a forward pass of two blank examples."""
    seen: dict[str, tuple[int, ...]] = {}
    handles = []
    kinds: tuple[type[nn.Module], ...] = (*_ACTIVATIONS, *_NORMS)
    for path, module in model.named_modules():
        if isinstance(module, kinds):

            def note(module: nn.Module, inputs: tuple[Tensor, ...], *, path: str = path) -> None:
                seen[path] = tuple(inputs[0].shape)

            handles.append(module.register_forward_pre_hook(note))
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            call_network(model, blank(facts, 2))
    finally:
        model.train(was_training)
        for handle in handles:
            handle.remove()
    return seen


def _require(found: int, setting: str, *, what: str) -> None:
    if not found:
        raise UsageError(f"nn.{setting} does not apply to this network: it has no {what}. Omit the setting.")
