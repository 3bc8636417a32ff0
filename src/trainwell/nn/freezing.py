"""Freezing and gradual unfreezing of layers (docs/curriculum.md, P1, D2).

Layers are counted from the input. A layer is a module with its own weight matrix or filter bank, together with the
normalisation, bias or scale that follows it. The head is not counted and always learns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import final

from torch import nn

from trainwell.core.catalogue import nearest
from trainwell.core.errors import UsageError

ALL = "features"


@dataclass(frozen=True)
class Layer:
    """One layer and the normalisations that follow it.

    Args:
        name: path of its module.
        parameters: its weights and those of the normalisations after it.
        statistics: modules whose running statistics move during training.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    statistics: tuple[nn.Module, ...]


def head_names(model: nn.Module) -> tuple[str, ...]:
    """Return the paths of the modules from features to outputs: `head` or `aux...`, else the last layer.

    >>> head_names(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)))
    ('2',)
    """
    last = {name: name.rpartition(".")[2] for name, _ in model.named_modules() if name}
    found = [name for name, end in last.items() if end == "head" or end.startswith("aux")]
    classifier = (getattr(model, "default_cfg", None) or {}).get("classifier")  # the name that timm uses
    if not found and isinstance(classifier, str) and classifier in last:
        found = [classifier]
    outer = tuple(name for name in found if not any(name.startswith(f"{other}.") for other in found))
    return outer or (layers(model)[-1].name,)


def belongs(name: str, modules: Sequence[str]) -> bool:
    """Tell whether a parameter or module lies within one of the modules.

    >>> belongs("head.weight", ["head"]), belongs("header", ["head"])
    (True, False)
    """
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def layers(model: nn.Module) -> list[Layer]:
    """Return the layers of a network in the order in which they were defined.

    >>> [layer.name for layer in layers(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten()))]
    ['0']
    """
    names: list[str] = []
    parameters: list[list[nn.Parameter]] = []
    statistics: list[list[nn.Module]] = []
    seen: set[int] = set()
    for path, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if id(p) not in seen]
        seen |= {id(p) for p in own}
        moves = getattr(module, "running_mean", None) is not None
        if not own and not moves:
            continue
        if not names or any(p.ndim >= 2 for p in own):
            names.append(path or "input")
            parameters.append([])
            statistics.append([])
        parameters[-1] += own
        statistics[-1] += [module] if moves else []
    return [Layer(*row) for row in zip(names, map(tuple, parameters), map(tuple, statistics), strict=True)]


def names_of_new(model: nn.Module, taken: str) -> frozenset[str]:
    """Return the names of the tensors that are initialised anew, not transferred; those of the head always are.

    Args:
        model: the network.
        taken: layers to transfer: "all", or as for `count_frozen`.
    Raises:
        UsageError: if there are fewer layers, or none of that name.

    >>> net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 4), nn.Linear(4, 2))
    >>> sorted(names_of_new(net, "1"))
    ['2.bias', '2.weight', '3.bias', '3.weight']
    """
    heads = head_names(model)
    before = [layer for layer in layers(model) if not belongs(layer.name, heads)]
    wanted = ALL if taken == "all" else taken
    later = before[count_frozen([layer.name for layer in before], wanted, key="transfer.layers") :]
    parameters = {id(p) for layer in later for p in layer.parameters}
    moving = {id(module) for layer in later for module in layer.statistics}
    modules = [path for path, module in model.named_modules() if id(module) in moving]
    new = {name for name, p in model.named_parameters(remove_duplicate=False) if id(p) in parameters}
    return frozenset(new | {name for name in model.state_dict() if belongs(name, [*heads, *modules])})


def count_frozen(names: Sequence[str], freeze: str, *, key: str = "transfer.freeze") -> int:
    """Return how many of the layers are frozen.

    Args:
        names: the layers without the head, from the input on.
        key: the setting, for messages.
        freeze: "none"; "features" for all; a number of layers; a negative number of layers at the end that learn;
            or the name of the last layer (or block) to freeze.
    Raises:
        UsageError: if there are fewer layers, or none of that name.

    >>> names = ["conv1", "conv2", "fc1", "fc2"]
    >>> [count_frozen(names, freeze) for freeze in ("none", "features", "3", "-1", "conv2")]
    [0, 4, 3, 3, 2]
    >>> count_frozen(names, "conv3")
    Traceback (most recent call last):
    trainwell.core.errors.UsageError: transfer.freeze must name a layer, got 'conv3'. Did you mean 'conv2'? ...
    """
    if freeze in ("none", ""):
        return 0
    if freeze == ALL:
        return len(names)
    if freeze.removeprefix("-").isdecimal():
        wanted = int(freeze)
        if abs(wanted) > len(names):
            raise UsageError(
                f"{key} must be at most {len(names)}, the layers before the head, got {freeze}. "
                f"Use {ALL!r} for all of them."
            )
        return wanted if not freeze.startswith("-") else len(names) + wanted
    within = [place for place, name in enumerate(names) if belongs(name, [freeze])]
    if not within:
        guess = nearest(freeze, names)
        hint = f"Did you mean {guess!r}? " if guess else ""
        raise UsageError(
            f"{key} must name a layer, got {freeze!r}. {hint}Layers: {', '.join(names)}; "
            f"or a number of them, 'none', {ALL!r}."
        )
    return within[-1] + 1


@final
class Freezing:
    """Freezes the first layers of a network and unfreezes them one by one.

    Which layers are frozen depends on the epoch alone, so that a resumed run continues exactly. The running
    statistics of a frozen layer do not change either, in train mode or eval mode.

    Args:
        model: the network.
        freeze: as for `count_frozen`.
        every: number of epochs after which one more layer, from the head down, is unfrozen; 0 for never.
        new: names of the tensors that are initialised anew.
    Raises:
        UsageError: if a newly initialised layer would be frozen, or as `count_frozen`.

    >>> net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    >>> freezing = Freezing(net, freeze="features", every=5)
    >>> freezing.arrange(0)
    >>> [p.requires_grad for p in net.parameters()], net[1].training
    ([False, False, False, False, True, True], False)
    >>> freezing.arrange(5)
    >>> all(p.requires_grad for p in net.parameters()), net[1].training
    (True, True)
    """

    def __init__(self, model: nn.Module, *, freeze: str, every: int = 0, new: Collection[str] = ()) -> None:
        heads = head_names(model)
        self._layers = [layer for layer in layers(model) if not belongs(layer.name, heads)]
        self.names = tuple(layer.name for layer in self._layers)
        self.frozen = count_frozen(self.names, freeze)
        if anew := [name for name in self.names[: self.frozen] if any(belongs(tensor, [name]) for tensor in new)]:
            raise UsageError(
                f"transfer.freeze must not freeze newly initialised layers, but {freeze!r} freezes {anew[0]}. "
                "Freeze at most the layers that transfer.layers transfers."
            )
        self._every = every
        self._still = -1
        if not every:
            self.arrange(0)  # the optimizer need not see what never learns

    def count(self, epoch: int) -> int:
        """Return how many layers are frozen in an epoch, from 0."""
        return max(0, self.frozen - epoch // self._every) if self._every else self.frozen

    def arrange(self, epoch: int) -> None:
        """Freeze the layers of this epoch; costs almost nothing where nothing changes."""
        still = self.count(epoch)
        if still != self._still:
            for place, layer in enumerate(self._layers[: self.frozen]):
                for parameter in layer.parameters:
                    parameter.requires_grad_(place >= still)
                    if place < still:
                        parameter.grad = None
                for module in layer.statistics:
                    module.training = place >= still
            self._still = still
        for layer in self._layers[:still]:  # an evaluation puts the whole network back into train mode
            for module in layer.statistics:
                module.training = False
