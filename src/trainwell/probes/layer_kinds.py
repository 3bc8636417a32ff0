"""What kind of layer a module of PyTorch or Keras is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

_NONLINEARITIES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.Sigmoid: "sigmoid",
    nn.Tanh: "tanh",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.Softplus: "softplus",
}
_WEIGHTED: tuple[type[nn.Module], ...] = (nn.Linear, nn.modules.conv._ConvNd)
_KERAS_WEIGHTED = frozenset({"Dense", "BaseConv", "BaseConvTranspose", "BaseDepthwiseConv", "BaseSeparableConv"})
_KERAS_NONLINEARITIES = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "PReLU": "leaky_relu", "ELU": "elu"}


@dataclass(frozen=True)
class LayerKind:
    """What kind of layer a module is.

    Args:
        has_weights: whether it is linear or a convolution.
        nonlinearity: the activation function at its end, "relu" or "tanh"; "" for none or an unknown one.
        unit_axis: axis of its output along which its units lie; None for that of the layer before it.
    """

    has_weights: bool
    nonlinearity: str = ""
    unit_axis: int | None = None

    @property
    def is_relu(self) -> bool:
        """Whether its output is zero for negative inputs."""
        return self.nonlinearity in ("relu", "relu6")


def layer_kind(module: nn.Module) -> LayerKind | None:
    """Return the kind of a layer; None for one whose output is not measured.

    >>> layer_kind(nn.Conv2d(1, 8, 3)), layer_kind(nn.Flatten())
    (LayerKind(has_weights=True, nonlinearity='', unit_axis=1), None)
    """
    if isinstance(module, _WEIGHTED):
        return LayerKind(True, unit_axis=-1 if isinstance(module, nn.Linear) else 1)
    if name := next((name for kind, name in _NONLINEARITIES.items() if isinstance(module, kind)), ""):
        return LayerKind(False, name)
    return _keras_layer_kind(module) if hasattr(module, "_torch_params") else None


def _keras_layer_kind(module: nn.Module) -> LayerKind | None:
    kinds = {kind.__name__ for kind in type(module).__mro__ if kind.__module__.startswith("keras.")}
    name = getattr(getattr(module, "activation", None), "__name__", "")
    name = next((name for kind, name in _KERAS_NONLINEARITIES.items() if kind in kinds), name)
    if name == "relu" and getattr(module, "negative_slope", 0.0):
        name = "leaky_relu"
    if name not in _NONLINEARITIES.values():
        name = ""
    if kinds & _KERAS_WEIGHTED:
        return LayerKind(True, name, 1 if getattr(module, "data_format", "") == "channels_first" else -1)
    return LayerKind(False, name) if name and kinds & {"Activation", *_KERAS_NONLINEARITIES} else None


def has_own_parameters(module: nn.Module) -> bool:
    """Tell whether a module holds parameters itself, not only in modules inside it."""
    return bool(module._parameters or len(getattr(module, "_torch_params", ())))
