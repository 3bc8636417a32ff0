"""What a network returns: one tensor, a tuple of tensors, or tensors by name. Everything that reads outputs takes all.

The first tensor of a tuple is its main one. Among named tensors it is the one called "outputs" or "logits", or the
first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainwell.core.batch import Batch

Outputs: TypeAlias = Union["Tensor", tuple["Tensor", ...], Mapping[str, "Tensor"]]
"""What a network returns."""

_MAIN = ("outputs", "logits")


def main_output(outputs: Outputs) -> Tensor:
    """Return the tensor that probes and predictions look at.

    >>> import torch
    >>> boxes, logits = torch.zeros(1, 4), torch.ones(1, 2)
    >>> main_output({"boxes": boxes, "logits": logits}) is logits, main_output((boxes, logits)) is boxes
    (True, True)
    """
    if isinstance(outputs, Mapping):
        name = next((name for name in _MAIN if name in outputs), None)
        return outputs[name] if name is not None else next(iter(outputs.values()))
    return outputs[0] if isinstance(outputs, tuple) else outputs


def map_outputs(function: Callable[[Tensor], Tensor], outputs: Outputs) -> Outputs:
    """Apply a function to every tensor and keep the structure.

    >>> import torch
    >>> map_outputs(torch.neg, (torch.ones(1), torch.zeros(1)))
    (tensor([-1.]), tensor([-0.]))
    """
    if isinstance(outputs, Mapping):
        return {name: function(tensor) for name, tensor in outputs.items()}
    if isinstance(outputs, tuple):
        return tuple(function(tensor) for tensor in outputs)
    return function(outputs)


def take_rows(outputs: Outputs, rows: Tensor) -> Outputs:
    """Return the outputs for some examples of a batch.

    >>> import torch
    >>> take_rows(torch.tensor([[0.0], [1.0]]), torch.tensor([1]))
    tensor([[1.]])
    """
    return map_outputs(lambda tensor: tensor[rows], outputs)


def join_outputs(function: Callable[[list[Tensor]], Tensor], many: Sequence[Outputs]) -> Outputs:
    """Apply a function to the corresponding tensors of several outputs of one structure: `torch.cat`, a mean.

    >>> import torch
    >>> join_outputs(torch.cat, [{"logits": torch.zeros(1)}, {"logits": torch.ones(1)}])
    {'logits': tensor([0., 1.])}
    """
    first: Any = many[0]
    parts: Any = many
    if isinstance(first, Mapping):
        return {name: function([part[name] for part in parts]) for name in first}
    if isinstance(first, tuple):
        return tuple(function([part[place] for part in parts]) for place in range(len(first)))
    return function(list(parts))


def mean_output(many: Sequence[Outputs]) -> Outputs:
    """Return the mean of several outputs of one structure, tensor by tensor.

    >>> import torch
    >>> mean_output([torch.tensor([0.0]), torch.tensor([1.0])])
    tensor([0.5000])
    """

    def mean(tensors: list[Tensor]) -> Tensor:
        total = tensors[0]
        for tensor in tensors[1:]:
            total = total + tensor
        return total / len(tensors)

    return join_outputs(mean, many)


def call_network(model: nn.Module, batch: Batch) -> Outputs:
    """Call a network on a batch; the mask is passed by name where there is one, `model(inputs, mask=mask)`."""
    outputs: Outputs = model(batch.inputs) if batch.mask is None else model(batch.inputs, mask=batch.mask)
    return outputs
