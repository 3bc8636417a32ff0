"""Number of parameters of a network."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn


def count_parameters(model: nn.Module) -> dict[str, int]:
    """Count the network's parameters; a shared parameter counts once.

    Returns:
        numbers of "trainable" and "frozen" parameters, and their memory in "bytes".

    >>> layer = nn.Linear(5, 2)
    >>> _ = layer.bias.requires_grad_(False)
    >>> count_parameters(layer)
    {'trainable': 10, 'frozen': 2, 'bytes': 48}
    """
    parameters = list(model.parameters())
    return {
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "frozen": sum(parameter.numel() for parameter in parameters if not parameter.requires_grad),
        "bytes": sum(parameter.numel() * parameter.element_size() for parameter in parameters),
    }


def own_parameters(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Yield each module's name and number of own parameters; a shared parameter counts for its first module."""
    counted: set[int] = set()
    for name, module in model.named_modules():
        own = {id(parameter): parameter.numel() for parameter in module.parameters(recurse=False)}
        yield name, sum(numbers for key, numbers in own.items() if key not in counted)
        counted |= set(own)
