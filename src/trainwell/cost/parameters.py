"""Number of parameters of a network."""

from __future__ import annotations

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
