"""Initialisations by name; the docstring of each is its page in `trainwell about`.

Biases start at zero or at a small constant, and normalisation layers keep scale 1 and shift 0. "fan in" is the number
of inputs of a unit, "fan out" the number of units that its output feeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from trainwell.core.catalogue import Catalogue
from trainwell.nn.layers import LocallyConnected2d

Fill = Callable[[Tensor, torch.Generator], object]

_CONNECTIONS = 15  # incoming connections of each unit (Martens 2010, section 5)


def he_normal(weight: Tensor, generator: torch.Generator) -> object:
    """He (Kaiming) normal: keeps the variance of ReLU activations constant from layer to layer.

    Formula: standard deviation sqrt(2 / fan in)
    Use: ReLU and its relatives; the default.
    Cost: none.
    Lab: initialisation
    Source: He et al. 2015, equation 10
    """
    return nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)


def he_uniform(weight: Tensor, generator: torch.Generator) -> object:
    """He (Kaiming) uniform: a uniform distribution of the same variance as he_normal.

    Formula: uniform in ± sqrt(6 / fan in)
    Use: as he_normal.
    Cost: none.
    Lab: initialisation
    Source: He et al. 2015
    """
    return nn.init.kaiming_uniform_(weight, nonlinearity="relu", generator=generator)


def xavier_normal(weight: Tensor, generator: torch.Generator) -> object:
    """Xavier (Glorot) normal: a compromise between constant variance of activations and of gradients.

    Formula: standard deviation sqrt(2 / (fan in + fan out))
    Use: tanh and sigmoid.
    Cost: none; with ReLU the variance of activations halves in every layer.
    Lab: initialisation
    Source: Glorot and Bengio 2010, equation 12
    """
    return nn.init.xavier_normal_(weight, generator=generator)


def xavier_uniform(weight: Tensor, generator: torch.Generator) -> object:
    """Xavier (Glorot) uniform: a uniform distribution of the same variance as xavier_normal.

    Formula: uniform in ± sqrt(6 / (fan in + fan out))
    Use: tanh and sigmoid.
    Cost: none.
    Lab: initialisation
    Source: Glorot and Bengio 2010, equation 16
    """
    return nn.init.xavier_uniform_(weight, generator=generator)


def lecun_normal(weight: Tensor, generator: torch.Generator) -> object:
    """LeCun normal: keeps the variance of activations constant where the slope at zero is 1.

    Formula: standard deviation sqrt(1 / fan in)
    Use: tanh, SELU.
    Cost: none.
    Lab: initialisation
    Source: LeCun et al. 1998, equation 16
    """
    return nn.init.kaiming_normal_(weight, nonlinearity="linear", generator=generator)


def lecun_uniform(weight: Tensor, generator: torch.Generator) -> object:
    """LeCun uniform: a uniform distribution of the same variance as lecun_normal.

    Formula: uniform in ± sqrt(3 / fan in)
    Use: tanh, SELU.
    Cost: none.
    Source: LeCun et al. 1998
    """
    return nn.init.kaiming_uniform_(weight, nonlinearity="linear", generator=generator)


def orthogonal(weight: Tensor, generator: torch.Generator) -> object:
    """Random orthogonal matrix: linear layers preserve the norm of their input, at any depth.

    Formula: rows (or columns, if fewer) are orthonormal
    Use: recurrent and very deep networks.
    Cost: a QR decomposition at the start.
    Lab: initialisation
    Source: Saxe et al. 2014
    """
    return nn.init.orthogonal_(weight, generator=generator)


def sparse(weight: Tensor, generator: torch.Generator) -> object:
    """Sparse: 15 non-zero incoming weights per unit, so that units differ and none saturates.

    Formula: k = min(15, fan in) random inputs with standard deviation sqrt(2 / k), the others 0
    Use: wide fully connected layers, recurrent networks; the standard deviation is that of He for k inputs.
    Cost: none; the zero weights learn like the others.
    Source: Martens 2010, section 5
    """
    rows = weight.flatten(1)
    count = min(_CONNECTIONS, rows.shape[1])
    chosen = torch.rand(rows.shape, generator=generator).topk(count, dim=1).indices
    drawn = torch.randn(len(rows), count, generator=generator, dtype=weight.dtype) * math.sqrt(2 / count)
    return weight.copy_(torch.zeros_like(rows).scatter_(1, chosen.to(rows.device), drawn.to(rows)).view_as(weight))


def uniform(weight: Tensor, generator: torch.Generator) -> object:
    """Uniform in a fixed range that does not depend on the size of the layer.

    Formula: uniform in ± 0.05
    Use: to see why the size of a layer matters; shallow networks.
    Cost: activations shrink or grow with the width of the layers.
    Lab: initialisation
    """
    return nn.init.uniform_(weight, -0.05, 0.05, generator=generator)


def small_normal(weight: Tensor, generator: torch.Generator) -> object:
    """Small Gaussian: fine for one layer; activations vanish within ten.

    Formula: standard deviation 0.01
    Use: shallow networks, and to see activations vanish.
    Cost: deep networks do not start to learn.
    Lab: initialisation
    """
    return nn.init.normal_(weight, std=0.01, generator=generator)


def large_normal(weight: Tensor, generator: torch.Generator) -> object:
    """Large Gaussian: tanh and sigmoid units saturate from the first step.

    Formula: standard deviation 1
    Use: to see saturation.
    Cost: gradients vanish, or activations explode.
    Lab: initialisation
    """
    return nn.init.normal_(weight, std=1.0, generator=generator)


def zeros(weight: Tensor, generator: torch.Generator) -> object:
    """Zeros: symmetry is not broken, so all units of a layer stay identical.

    Formula: 0
    Use: a single layer (logistic regression), where there is no symmetry to break.
    Cost: each hidden layer can only learn what a single unit could.
    Lab: symmetry
    """
    return nn.init.zeros_(weight)


def constant(weight: Tensor, generator: torch.Generator) -> object:
    """Constant: symmetry is not broken, so all units of a layer stay identical.

    Formula: 0.01
    Use: to see the effect of unbroken symmetry.
    Cost: as zeros.
    Lab: symmetry
    """
    return nn.init.constant_(weight, 0.01)


INITIALISATIONS: Catalogue[Fill] = Catalogue(
    "initialisation",
    {
        "he_normal": he_normal,
        "he_uniform": he_uniform,
        "xavier_normal": xavier_normal,
        "xavier_uniform": xavier_uniform,
        "lecun_normal": lecun_normal,
        "lecun_uniform": lecun_uniform,
        "orthogonal": orthogonal,
        "sparse": sparse,
        "uniform": uniform,
        "small_normal": small_normal,
        "large_normal": large_normal,
        "zeros": zeros,
        "constant": constant,
    },
)


def initialise(model: nn.Module, name: str, *, seed: int, bias: float = 0.0) -> None:
    """Initialise every weight matrix and filter bank in place; set biases to zero, or to `bias` in hidden layers.

    No ReLU follows the output layer (a module called `head`), so He initialisation uses gain 1
    there instead of sqrt(2): the initial loss then stays near chance level. Its bias is zero. Embeddings and recurrent
    layers have their own initialisations, whatever the name.

    Args:
        model: the network.
        name: a name of `INITIALISATIONS`.
        seed: random seed; determines the weights.
        bias: of hidden layers; a small positive one keeps ReLU units active at first.

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
                module.bias.fill_(bias)
            elif isinstance(module, nn.Embedding):
                _initialise_embedding(module, generator)
            elif isinstance(module, nn.RNNBase):
                _initialise_recurrent(module, generator)
            if not isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
                continue
            is_head = path.rpartition(".")[2] == "head"
            normed = parametrize.is_parametrized(module, "weight")
            weight = module.weight.detach().clone() if normed else module.weight
            fill(weight, generator)
            if name.startswith("he_") and is_head:
                weight.mul_(0.5**0.5)
            if normed:
                module.weight = weight  # weight normalisation splits it into length and direction
            if module.bias is not None:
                module.bias.fill_(0.0 if is_head else bias)


def _initialise_embedding(layer: nn.Embedding, generator: torch.Generator) -> None:
    """Draw rows of expected norm 1: Gaussian with standard deviation 1 / sqrt(features); the padding row is zero."""
    layer.weight.normal_(0.0, layer.embedding_dim**-0.5, generator=generator)
    if layer.padding_idx is not None:
        layer.weight[layer.padding_idx].zero_()


def _initialise_recurrent(layer: nn.RNNBase, generator: torch.Generator) -> None:
    """Use Xavier for input weights, orthogonal for recurrent weights (Saxe et al. 2014), zero for biases.

    The bias of the forget gate of an LSTM is 1, so that the gate starts open (Jozefowicz et al. 2015).
    """
    for name, parameter in layer.named_parameters():
        if "bias" in name:
            parameter.zero_()
            if isinstance(layer, nn.LSTM) and "bias_ih" in name:
                parameter[layer.hidden_size : 2 * layer.hidden_size].fill_(1.0)
            continue
        for gate in torch.split(parameter, layer.hidden_size):
            if "weight_hh" in name:
                nn.init.orthogonal_(gate, generator=generator)
            else:
                nn.init.xavier_uniform_(gate, generator=generator)
