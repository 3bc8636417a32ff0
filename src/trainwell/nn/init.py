"""How weights start, by name; biases start at zero and normalisation layers keep scale 1 and shift 0."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers import LocallyConnected2d

Fill = Callable[[Tensor, torch.Generator], object]


def _he(fill: Callable[..., object], weight: Tensor, generator: torch.Generator) -> object:
    return fill(weight, nonlinearity="relu", generator=generator)


def _zeros(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.zeros_(weight)


def _constant(weight: Tensor, generator: torch.Generator) -> object:
    return nn.init.constant_(weight, 0.01)


INITIALISATIONS: Catalogue[Fill] = Catalogue(
    "initialisation",
    {
        # He et al. 2015, equation 10: standard deviation sqrt(2 / fan_in).
        "he_normal": functools.partial(_he, nn.init.kaiming_normal_),
        "he_uniform": functools.partial(_he, nn.init.kaiming_uniform_),
        # Glorot and Bengio 2010, equation 16: variance 2 / (fan_in + fan_out).
        "xavier_normal": lambda weight, generator: nn.init.xavier_normal_(weight, generator=generator),
        "xavier_uniform": lambda weight, generator: nn.init.xavier_uniform_(weight, generator=generator),
        # Saxe et al. 2014.
        "orthogonal": lambda weight, generator: nn.init.orthogonal_(weight, generator=generator),
        "small_normal": lambda weight, generator: nn.init.normal_(weight, std=0.01, generator=generator),
        "large_normal": lambda weight, generator: nn.init.normal_(weight, std=1.0, generator=generator),
        "zeros": _zeros,
        "constant": _constant,
    },
)


def initialise(model: nn.Module, name: str, *, seed: int) -> None:
    """Fill every weight matrix and filter bank in place; biases become zero.

    The output layer (a module called `head`) is not followed by a rectifier, so the He laws use gain 1
    there instead of sqrt(2): the first outputs then stay near chance.

    Args:
        model: the network.
        name: a name of `INITIALISATIONS`.
        seed: the weights are a function of it.

    >>> layer = nn.Linear(100, 50)
    >>> initialise(layer, "he_normal", seed=0)
    >>> abs(layer.weight.std().item() - (2 / 100) ** 0.5) < 0.01, layer.bias.abs().sum().item()
    (True, 0.0)
    """
    fill = INITIALISATIONS[name]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for path, module in model.named_modules():
            if isinstance(module, LocallyConnected2d):
                for bank in module.banks():
                    fill(bank, generator)
                module.bias.zero_()
            if not isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
                continue
            fill(module.weight, generator)
            if name.startswith("he_") and path.rpartition(".")[2] == "head":
                module.weight.mul_(0.5**0.5)
            if module.bias is not None:
                module.bias.zero_()
