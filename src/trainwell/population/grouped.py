"""Networks that are a row of plain layers, many as one: grouped convolutions and batched matrix products.

`torch.func.vmap` maps any network, but pays for every operation in Python, and its convolutions lose the memory order
that is fast on a processor. Most small networks are a row of layers with a well-known form for many at once. With
pictures in channels-last order and the members' channels side by side, activations and pooling run along the members;
with features before examples, gradients of weights come out in the order of the weights.

Letters: W members, B examples of a batch, F features, C channels, H x V pixels, O outputs of a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.population.compatibility import MemberDropout

Tensors = Mapping[str, Tensor]

# Number by number, and the same for every member.
_ELEMENTWISE = (
    nn.Identity, nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus,
    nn.Hardtanh, nn.ReLU6, nn.Mish, nn.LogSigmoid, nn.Hardswish,
)  # fmt: skip
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_PICTURES = (nn.Conv2d, nn.BatchNorm2d, *_POOLS)  # these take pictures only,
_FEATURES = (nn.Linear, nn.BatchNorm1d, nn.LayerNorm)  # and these features only


@dataclass(frozen=True)
class Flow:
    """What runs from layer to layer.

    Args:
        value: features (W, F, B) or pictures (B, W * C, H, V); as long as all members share it, (F, B) or (B, C, H, V).
        members: W.
        shared: True as long as all members share it.
    """

    value: Tensor
    members: int
    shared: bool

    @property
    def pictures(self) -> bool:
        """Whether pictures run."""
        return self.value.ndim == 4

    def own(self) -> Tensor:
        """Return the value with the axis of the members, stretched if they share it."""
        if not self.shared:
            return self.value
        if self.pictures:
            return self.value.repeat(1, self.members, 1, 1)
        return self.value.expand(self.members, *self.value.shape)


Rule = Callable[[Any, Flow, Tensors], Tensor]


@final
class Grouped:
    """A network's layers, to be run with the tensors of many members.

    Args:
        layers: name and layer, in their order.
    """

    def __init__(self, layers: Sequence[tuple[str, nn.Module]]) -> None:
        self._layers = [
            (layer, _rule(layer), {key: f"{name}.{key}" for key in layer.state_dict()}) for name, layer in layers
        ]
        self.pictures = any(isinstance(layer, nn.Conv2d) for _, layer in layers)

    def __call__(self, tensors: Tensors, inputs: Tensor, *, members: int, shared: bool) -> Tensor:
        """Run the layers.

        Args:
            tensors: parameters and buffers by name, (W, ...); running statistics are updated in place.
            inputs: (B, ...) where all members see the same batch, else (W, B, ...).
            members: W.
            shared: which of the two.
        Returns:
            (W, B, O).
        """
        if inputs.ndim - (not shared) == 4:
            if not shared:
                inputs = inputs.transpose(0, 1).flatten(1, 2)
            inputs = _last(inputs)
        else:
            inputs = inputs.transpose(-1, -2)
        flow = Flow(inputs, members, shared)
        for layer, rule, names in self._layers:
            own = {key: tensors[name] for key, name in names.items()}
            value = rule(layer, flow, own)
            flow = Flow(value, members, flow.shared and not own and not isinstance(layer, MemberDropout))
        return flow.own().transpose(1, 2)


def grouped(model: nn.Module, input_shape: Sequence[int]) -> Grouped | None:
    """Return the network for many members at once, or None if it is no row of layers that are known here.

    Args:
        model: the network.
        input_shape: of one example: (F,) or (C, H, V).

    >>> grouped(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), (2,)) is None
    False
    >>> grouped(nn.LSTM(2, 3), (2,)) is None
    True
    """
    layers = list(_row(model, ""))
    unique = len({id(layer) for _, layer in layers}) == len(layers)
    tensors = [tensor.data_ptr() for tensor in model.parameters()]
    if len(input_shape) not in (1, 3) or not unique or len(set(tensors)) < sum(1 for _ in _named(layers)):
        return None
    pictures = len(input_shape) == 3
    for _, layer in layers:
        if not _known(layer) or (type(layer) in _PICTURES and not pictures) or (type(layer) in _FEATURES and pictures):
            return None
        pictures = pictures and type(layer) is not nn.Flatten
    if pictures:
        return None
    for number in range(len(layers) - 1):
        # max(relu(x)) = relu(max(x)), gradients included, and a fraction of the numbers are left to rectify.
        if type(layers[number][1]) is nn.ReLU and type(layers[number + 1][1]) is nn.MaxPool2d:
            layers[number], layers[number + 1] = layers[number + 1], layers[number]
    return Grouped(layers)


def _row(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers in the order in which they run; what is no row comes as it is, and is not known."""
    if type(module) is not nn.Sequential or module._forward_hooks or module._forward_pre_hooks:
        yield path, module
        return
    for name, child in module._modules.items():
        assert child is not None
        yield from _row(child, f"{path}.{name}" if path else name)


def _named(layers: Sequence[tuple[str, nn.Module]]) -> Iterator[Tensor]:
    for _, layer in layers:
        yield from layer.parameters(recurse=False)


def _known(layer: nn.Module) -> bool:
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


def _rule(layer: nn.Module) -> Rule:
    if type(layer) in _ELEMENTWISE or type(layer) in _POOLS:
        return lambda layer, flow, own: layer(flow.value)
    rules: dict[type, Rule] = {
        nn.Conv2d: _convolve, nn.Linear: _linear, nn.Flatten: _flatten, MemberDropout: _drop,
        nn.BatchNorm1d: _batch_norm, nn.BatchNorm2d: _batch_norm, nn.LayerNorm: _layer_norm,
    }  # fmt: skip
    return rules[type(layer)]


def _convolve(layer: nn.Conv2d, flow: Flow, own: Tensors) -> Tensor:
    """Convolve with all members' filters side by side; what members share is read once."""
    bias = own["bias"].flatten() if "bias" in own else None
    groups = 1 if flow.shared else flow.members
    filters = own["weight"].flatten(0, 1).contiguous(memory_format=torch.channels_last)
    padding: Any = layer.padding
    return F.conv2d(flow.value, filters, bias, layer.stride, padding, layer.dilation, groups)


def _last(pictures: Tensor) -> Tensor:
    """Return the pictures in channels-last order; with one channel, torch would take their order for the other."""
    ordered = torch.empty(pictures.shape, dtype=pictures.dtype, memory_format=torch.channels_last)
    return ordered.as_strided(ordered.shape, (ordered.stride(0), 1, *ordered.stride()[2:])).copy_(pictures)


def _linear(layer: nn.Linear, flow: Flow, own: Tensors) -> Tensor:
    """Multiply; what the members share is multiplied with all their matrices as if they were one."""
    if flow.shared and not flow.pictures and "bias" in own:
        found = torch.addmm(own["bias"].reshape(-1, 1), own["weight"].flatten(0, 1), flow.value)
        return found.view(flow.members, -1, found.shape[1])
    value = flow.own()
    return torch.baddbmm(own["bias"].unsqueeze(2), own["weight"], value) if "bias" in own else own["weight"] @ value


def _flatten(layer: nn.Flatten, flow: Flow, own: Tensors) -> Tensor:
    if not flow.pictures:
        return flow.value
    if flow.shared:
        return flow.value.flatten(1).T
    examples, channels, *pixels = flow.value.shape
    apart = flow.value.reshape(examples, flow.members, channels // flow.members, *pixels)
    return apart.flatten(2).permute(1, 2, 0).contiguous()


def _drop(layer: MemberDropout, flow: Flow, own: Tensors) -> Tensor:
    """Threshold one draw by each member's probability, as `MemberDropout` does when it is mapped."""
    value = flow.own()
    if not layer.training:
        return value
    if flow.pictures:
        examples, channels, *pixels = value.shape
        drawn = torch.rand(examples, 1, channels // flow.members, *pixels)
        p = own["p"].reshape(1, -1, 1, 1, 1)
        return value * (((drawn >= p).to(value.dtype)) / (1 - p)).flatten(1, 2)
    p = own["p"].reshape(-1, 1, 1)
    return value * (torch.rand(value.shape[2], value.shape[1]).T >= p).to(value.dtype) / (1 - p)


def _batch_norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, flow: Flow, own: Tensors) -> Tensor:
    """Normalise every channel of every member: to torch they are so many channels more."""
    value = flow.own() if flow.pictures else flow.own().flatten(0, 1).unsqueeze(0)
    flat = {name: tensor.flatten() for name, tensor in own.items()}
    learning = layer.training or not layer.track_running_stats
    if layer.training and layer.track_running_stats:
        own["num_batches_tracked"].add_(1)
    assert layer.momentum is not None
    normal = F.batch_norm(
        value, flat.get("running_mean"), flat.get("running_var"), flat.get("weight"), flat.get("bias"), learning,
        layer.momentum, layer.eps,
    )  # fmt: skip
    return normal if flow.pictures else normal.reshape(flow.members, -1, normal.shape[2])


def _layer_norm(layer: nn.LayerNorm, flow: Flow, own: Tensors) -> Tensor:
    value = F.layer_norm(flow.own().transpose(1, 2), list(layer.normalized_shape), eps=layer.eps).transpose(1, 2)
    if "weight" in own:
        value = value * own["weight"].unsqueeze(2)
    return value + own["bias"].unsqueeze(2) if "bias" in own else value
