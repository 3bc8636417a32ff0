"""Many networks of plain layers as one: grouped convolutions and batched matrix products.

`torch.func.vmap` maps any network, but each operation costs time in Python, and its convolutions lose the memory
format that is fast on a CPU. Most small networks are a sequence of layers for which an operation on many networks
exists. With images in channels-last format and the channels of all members side by side, activations and pooling
treat the members as more channels; with features before examples, gradients have the memory layout of their weights.

Letters: W members, B examples of a batch, F features, C channels, H x V pixels, O outputs of a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.population.dropout import MemberDropout

TensorsByName = Mapping[str, Tensor]

# Element by element, and the same for every member.
_ELEMENTWISE = (
    nn.ELU,
    nn.GELU,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Identity,
    nn.LeakyReLU,
    nn.LogSigmoid,
    nn.Mish,
    nn.ReLU,
    nn.ReLU6,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Tanh,
)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_ON_IMAGES = (nn.Conv2d, nn.BatchNorm2d, *_POOLS)
_ON_FEATURES = (nn.Linear, nn.BatchNorm1d, nn.LayerNorm)


@dataclass(frozen=True)
class StackedActivations:
    """The input or output of a layer, for all members.

    Args:
        value: features (W, F, B) or images (B, W * C, H, V); if equal for all members, (F, B) or (B, C, H, V).
        members: W.
        shared: True if equal for all members.
    """

    value: Tensor
    members: int
    shared: bool

    @property
    def images(self) -> bool:
        """True for images, False for features."""
        return self.value.ndim == 4

    def expanded(self) -> Tensor:
        """Return the value with the axis of the members, repeated if it is shared."""
        if not self.shared:
            return self.value
        if self.images:
            return self.value.repeat(1, self.members, 1, 1)
        return self.value.expand(self.members, *self.value.shape)


class LayerFunction(Protocol):
    """Computes one layer for all members."""

    def __call__(self, layer: Any, found: StackedActivations, *, own: TensorsByName) -> Tensor:
        """Return the output of the layer.

        Args:
            layer: one member's layer; its tensors are not used.
            found: the input.
            own: parameters and buffers of the layer by name, (W, ...).
        """


@final
class GroupedNetwork:
    """A network of plain layers that computes the outputs of many members.

    Args:
        layers: names and layers, in the order in which they run.
    """

    def __init__(self, layers: Sequence[tuple[str, nn.Module]]) -> None:
        self._layers = [
            (layer, _function(layer), {key: f"{name}.{key}" for key in layer.state_dict()}) for name, layer in layers
        ]
        self.images = any(isinstance(layer, nn.Conv2d) for _, layer in layers)

    def __call__(self, tensors: TensorsByName, inputs: Tensor, *, members: int, shared: bool) -> Tensor:
        """Return the outputs of all members.

        Args:
            tensors: parameters and buffers by name, (W, ...); running statistics are updated in place.
            inputs: (B, ...) where all members see the same batch, else (W, B, ...).
            members: W.
            shared: True for the former.
        Returns:
            (W, B, O).
        """
        if inputs.ndim - (not shared) == 4:
            if not shared:
                inputs = inputs.transpose(0, 1).flatten(1, 2)
            inputs = _channels_last(inputs)
        else:
            inputs = inputs.transpose(-1, -2)
        found = StackedActivations(inputs, members, shared)
        for layer, function, names in self._layers:
            own = {key: tensors[name] for key, name in names.items()}
            value = function(layer, found, own=own)
            still_shared = found.shared and not own and not isinstance(layer, MemberDropout)
            found = StackedActivations(value, members, still_shared)
        return found.expanded().transpose(1, 2)


def group_layers(model: nn.Module, input_shape: Sequence[int]) -> GroupedNetwork | None:
    """Return the network for many members at once, or None if it has other layers than those supported here.

    Args:
        model: the network.
        input_shape: of one example: (F,) or (C, H, V).

    >>> group_layers(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), (2,)) is None
    False
    >>> group_layers(nn.LSTM(2, 3), (2,)) is None
    True
    """
    layers = list(_sequence(model, ""))
    unique = len({id(layer) for _, layer in layers}) == len(layers)
    tensors = [tensor.data_ptr() for tensor in model.parameters()]
    if len(input_shape) not in (1, 3) or not unique or len(set(tensors)) < sum(1 for _ in _parameters(layers)):
        return None
    images = len(input_shape) == 3
    for _, layer in layers:
        if (
            not _is_supported(layer)
            or (type(layer) in _ON_IMAGES and not images)
            or (type(layer) in _ON_FEATURES and images)
        ):
            return None
        images = images and type(layer) is not nn.Flatten
    if images:
        return None
    for number in range(len(layers) - 1):
        # max(relu(x)) = relu(max(x)), and so are the gradients; the ReLU then has fewer numbers to process.
        if type(layers[number][1]) is nn.ReLU and type(layers[number + 1][1]) is nn.MaxPool2d:
            layers[number], layers[number + 1] = layers[number + 1], layers[number]
    return GroupedNetwork(layers)


def _sequence(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers in the order in which they run; a module that is no nn.Sequential is yielded as it is."""
    if type(module) is not nn.Sequential or module._forward_hooks or module._forward_pre_hooks:
        yield path, module
        return
    for name, child in module._modules.items():
        assert child is not None
        yield from _sequence(child, f"{path}.{name}" if path else name)


def _parameters(layers: Sequence[tuple[str, nn.Module]]) -> Iterator[Tensor]:
    for _, layer in layers:
        yield from layer.parameters(recurse=False)


def _is_supported(layer: nn.Module) -> bool:
    if layer._forward_hooks or layer._forward_pre_hooks or hasattr(layer, "parametrizations"):
        return False
    if type(layer) is nn.Conv2d:
        return layer.groups == 1 and layer.padding_mode == "zeros"
    if type(layer) is nn.Flatten:
        return layer.start_dim == 1 and layer.end_dim == -1
    if type(layer) is nn.BatchNorm1d or type(layer) is nn.BatchNorm2d:
        return layer.momentum is not None
    if type(layer) is nn.LayerNorm:
        return len(layer.normalized_shape) == 1
    return type(layer) in (nn.Linear, MemberDropout, *_ELEMENTWISE, *_POOLS)


def _function(layer: nn.Module) -> LayerFunction:
    if type(layer) in _ELEMENTWISE or type(layer) in _POOLS:
        return lambda layer, found, *, own: layer(found.value)
    functions: dict[type, LayerFunction] = {
        nn.Conv2d: _convolve,
        nn.Linear: _linear,
        nn.Flatten: _flatten,
        MemberDropout: _drop,
        nn.BatchNorm1d: _batch_norm,
        nn.BatchNorm2d: _batch_norm,
        nn.LayerNorm: _layer_norm,
    }
    return functions[type(layer)]


def _convolve(layer: nn.Conv2d, found: StackedActivations, *, own: TensorsByName) -> Tensor:
    """Convolve with the filters of all members side by side; a shared input is read once."""
    bias = own["bias"].flatten() if "bias" in own else None
    groups = 1 if found.shared else found.members
    filters = own["weight"].flatten(0, 1).contiguous(memory_format=torch.channels_last)
    padding: Any = layer.padding
    return F.conv2d(found.value, filters, bias, layer.stride, padding, layer.dilation, groups)


def _channels_last(images: Tensor) -> Tensor:
    """Return the images in channels-last format; with one channel, torch itself would keep them as they are."""
    ordered = torch.empty(images.shape, dtype=images.dtype, memory_format=torch.channels_last)
    return ordered.as_strided(ordered.shape, (ordered.stride(0), 1, *ordered.stride()[2:])).copy_(images)


def _linear(layer: nn.Linear, found: StackedActivations, *, own: TensorsByName) -> Tensor:
    """Multiply; a shared input is multiplied by the matrices of all members as if they were one matrix."""
    if found.shared and not found.images and "bias" in own:
        outputs = torch.addmm(own["bias"].reshape(-1, 1), own["weight"].flatten(0, 1), found.value)
        return outputs.view(found.members, -1, outputs.shape[1])
    value = found.expanded()
    return torch.baddbmm(own["bias"].unsqueeze(2), own["weight"], value) if "bias" in own else own["weight"] @ value


def _flatten(layer: nn.Flatten, found: StackedActivations, *, own: TensorsByName) -> Tensor:
    if not found.images:
        return found.value
    if found.shared:
        return found.value.flatten(1).T
    examples, channels, *pixels = found.value.shape
    apart = found.value.reshape(examples, found.members, channels // found.members, *pixels)
    return apart.flatten(2).permute(1, 2, 0).contiguous()


def _drop(layer: MemberDropout, found: StackedActivations, *, own: TensorsByName) -> Tensor:
    """Threshold one draw by each member's probability, as a mapped `MemberDropout` does."""
    value = found.expanded()
    if not layer.training:
        return value
    if found.images:
        examples, channels, *pixels = value.shape
        drawn = torch.rand(examples, 1, channels // found.members, *pixels)
        p = own["p"].reshape(1, -1, 1, 1, 1)
        return value * (((drawn >= p).to(value.dtype)) / (1 - p)).flatten(1, 2)
    p = own["p"].reshape(-1, 1, 1)
    return value * (torch.rand(value.shape[2], value.shape[1]).T >= p).to(value.dtype) / (1 - p)


def _batch_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, found: StackedActivations, *, own: TensorsByName) -> Tensor:
    """Normalise every channel of every member: for torch these are more channels of one network."""
    value = found.expanded() if found.images else found.expanded().flatten(0, 1).unsqueeze(0)
    flat = {name: tensor.flatten() for name, tensor in own.items()}
    from_batch = layer.training or not layer.track_running_stats
    if layer.training and layer.track_running_stats:
        own["num_batches_tracked"].add_(1)
    assert layer.momentum is not None
    normal = F.batch_norm(
        value,
        flat.get("running_mean"),
        flat.get("running_var"),
        weight=flat.get("weight"),
        bias=flat.get("bias"),
        training=from_batch,
        momentum=layer.momentum,
        eps=layer.eps,
    )
    return normal if found.images else normal.reshape(found.members, -1, normal.shape[2])


def _layer_norm(layer: nn.LayerNorm, found: StackedActivations, *, own: TensorsByName) -> Tensor:
    value = F.layer_norm(found.expanded().transpose(1, 2), list(layer.normalized_shape), eps=layer.eps).transpose(1, 2)
    if "weight" in own:
        value = value * own["weight"].unsqueeze(2)
    return value + own["bias"].unsqueeze(2) if "bias" in own else value
