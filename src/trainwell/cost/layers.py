"""The cost of a network, layer by layer."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from trainwell.core.batch import Batch, blank
from trainwell.core.facts import InputFacts
from trainwell.cost.flops import multiply_adds
from trainwell.cost.receptive_field import ReceptiveFields

_KINDS = {
    "Conv2d": "convolution",
    "LocallyConnected2d": "locally connected",
    "Linear": "fully connected",
    "MaxPool2d": "max pooling",
    "AvgPool2d": "average pooling",
    "AdaptiveAvgPool2d": "global average",
    "AdaptiveMaxPool2d": "global maximum",
    "BatchNorm2d": "batch normalisation",
    "LocalResponseNorm": "local response normalisation",
    "Dropout": "dropout",
    "Flatten": "flatten",
}


@dataclass(frozen=True)
class LayerCost:
    """The cost of one layer for one example.

    Args:
        name: path of the module in the network; "" is the network itself.
        type: class of the module.
        output_shape: shape of its output without the batch; empty if it is not called or returns no tensor.
        parameters: number of its own parameters, without its children.
        multiply_adds: of one forward pass, without its children.
        activation_bytes: memory of its outputs, over all its calls.
        receptive_field: side in pixels of the receptive field; None where the input is not an image.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int
    receptive_field: int | None = None

    @property
    def kind(self) -> str:
        """A description of the type, or the name of the class."""
        return _KINDS.get(self.type, self.type)


def layers(model: nn.Module, facts: InputFacts) -> list[LayerCost]:
    """Return the cost of every layer, in the order of definition; the columns sum to the cost of the network.

    The forward pass runs on the meta device, which propagates shapes without computing or storing values; where a
    network does not support that, on a copy on the CPU. A container is listed only if it has parameters or computes
    something itself.

    Args:
        model: the network; it is not changed.
        facts: of one example.

    >>> for layer in layers(nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU()), InputFacts((1, 28, 28))):
    ...     print(layer.name, layer.kind, layer.output_shape, layer.parameters, layer.multiply_adds)
    0 convolution (6, 24, 24) 156 86400
    1 ReLU (6, 24, 24) 0 0
    """
    try:
        shadow = hollow(model).eval()
        return _measure(shadow, blank(facts, 1, device="meta"))
    except (NotImplementedError, RuntimeError):  # The network reads values, or uses an operation without a meta kernel.
        shadow = copy.deepcopy(model).cpu().eval()
        return _measure(shadow, blank(facts, 1))


def hollow(model: nn.Module) -> nn.Module:
    """Return a copy of a network on the meta device: shapes without values."""
    # Copying the values of a large network would double its memory: deepcopy gets meta tensors instead.
    given: dict[int, object] = {}
    for buffer in model.buffers():
        given[id(buffer)] = buffer.detach().to("meta")
    for parameter in model.parameters():
        empty = parameter.detach().to("meta")
        given[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    return copy.deepcopy(model, given)


def _measure(model: nn.Module, batch: Batch) -> list[LayerCost]:
    shapes: dict[str, tuple[int, ...]] = {}
    held: dict[str, int] = {}
    fields: dict[str, int | None] = {}
    following = ReceptiveFields(batch.inputs) if batch.inputs.ndim == 4 else None

    def watch(name: str, module: nn.Module) -> None:
        def see(_: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                shapes[name] = tuple(output.shape[1:])
                held[name] = held.get(name, 0) + output.numel() * output.element_size()
                fields[name] = following.of(output) if following else None

        module.register_forward_hook(see)

    for name, module in model.named_modules():
        watch(name, module)
    with following or contextlib.nullcontext():
        total = multiply_adds(model, batch)
    own_numbers = dict(_own_parameters(model))
    costs = []
    for name, module in model.named_modules():
        prefix = f"{name}." if name else ""
        children = [prefix + child for child, _ in module.named_children()]
        computed = total.get(name, 0) - sum(total.get(child, 0) for child in children)
        is_leaf = not children
        if (is_leaf and not isinstance(module, nn.Identity)) or own_numbers[name] or computed:
            bytes_held = held.get(name, 0) if is_leaf else 0
            costs.append(
                LayerCost(
                    name=name,
                    type=type(module).__name__,
                    output_shape=shapes.get(name, ()),
                    parameters=own_numbers[name],
                    multiply_adds=computed,
                    activation_bytes=bytes_held,
                    receptive_field=fields.get(name),
                )
            )
    return costs


def _own_parameters(model: nn.Module) -> Iterator[tuple[str, int]]:
    """Yield each module's name and number of own parameters; a shared parameter counts for its first module."""
    counted: set[int] = set()
    for name, module in model.named_modules():
        own = {id(parameter): parameter.numel() for parameter in module.parameters(recurse=False)}
        yield name, sum(numbers for key, numbers in own.items() if key not in counted)
        counted |= set(own)
