"""Non-linearities by name; the docstring of each is its page in `trainwell about`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from trainwell.core.catalogue import Catalogue


def relu() -> nn.Module:
    """Rectified linear unit (ReLU): max(0, x).

    Formula: max(0, x); slope 1 for x > 0, else 0
    Use: the default of deep networks, with He initialisation.
    Cost: negligible; a unit that is negative for every input gets no gradient and stops learning (dead unit).
    Lab: dying_relu, initialisation
    Source: Nair and Hinton 2010
    """
    return nn.ReLU()


def leaky_relu() -> nn.Module:
    """Leaky ReLU: slope 0.01 for negative inputs, so that no unit dies.

    Formula: x for x > 0, else 0.01 x
    Use: where ReLU units die.
    Cost: as relu.
    Lab: dying_relu
    Source: Maas et al. 2013
    """
    return nn.LeakyReLU()


def prelu() -> nn.Module:
    """Parametric ReLU: the slope for negative inputs is learned, starting at 0.25.

    Formula: x for x > 0, else a x; a is learned, one per layer
    Use: large networks with enough data for one more parameter per layer.
    Cost: one weight per layer.
    Source: He et al. 2015
    """
    return nn.PReLU()


def elu() -> nn.Module:
    """Exponential linear unit (ELU): saturates at -1, which keeps mean activations near zero.

    Formula: x for x > 0, else e^x - 1
    Use: instead of batch normalisation in plain networks.
    Cost: one exponential per activation.
    Source: Clevert et al. 2016
    """
    return nn.ELU()


def selu() -> nn.Module:
    """Scaled ELU (SELU): keeps mean 0 and variance 1 from layer to layer.

    Formula: 1.0507 (x for x > 0, else 1.6733 (e^x - 1))
    Use: deep fully connected networks without normalisation; start with nn.initialisation = "lecun_normal".
    Cost: one exponential per activation; dropout and normalisation layers break the self-normalisation.
    Source: Klambauer et al. 2017
    """
    return nn.SELU()


def gelu() -> nn.Module:
    """Gaussian error linear unit (GELU): x times the standard normal distribution function at x.

    Formula: x P(X < x), X standard normal
    Use: transformers.
    Cost: one error function per activation.
    Source: Hendrycks and Gimpel 2016
    """
    return nn.GELU()


def silu() -> nn.Module:
    """Sigmoid linear unit (SiLU, swish): x times its sigmoid.

    Formula: x / (1 + e^-x)
    Use: deep convolutional networks.
    Cost: one exponential per activation.
    Source: Elfwing et al. 2018; Ramachandran et al. 2017
    """
    return nn.SiLU()


def tanh() -> nn.Module:
    """Hyperbolic tangent: maps to (-1, 1), centred at zero.

    Formula: (e^x - e^-x) / (e^x + e^-x); slope 1 - y²
    Use: recurrent networks; with Xavier initialisation.
    Cost: one exponential per activation; saturates beyond about |x| = 3.
    Lab: initialisation
    """
    return nn.Tanh()


def sigmoid() -> nn.Module:
    """Logistic sigmoid: maps to (0, 1), as a probability or a gate.

    Formula: 1 / (1 + e^-x); slope y (1 - y), at most 1/4
    Use: gates and outputs; in deep hidden layers it saturates.
    Cost: one exponential per activation; four layers shrink the gradient at least 256 times.
    Lab: sigmoid_saturation
    """
    return nn.Sigmoid()


def softmax() -> nn.Module:
    """Softmax: positive outputs that sum to 1 over the units of a layer.

    Formula: e^x_i / sum_j e^x_j
    Use: outputs and attention; as a hidden layer it makes units compete. The loss of `classify` already applies it.
    Cost: one exponential per activation; where one hidden unit dominates, gradients vanish.
    Lab: many_classes
    """
    return nn.Softmax(dim=1)


ACTIVATIONS: Catalogue[Callable[[], nn.Module]] = Catalogue(
    "activation",
    {
        "relu": relu,
        "leaky_relu": leaky_relu,
        "prelu": prelu,
        "elu": elu,
        "selu": selu,
        "gelu": gelu,
        "silu": silu,
        "tanh": tanh,
        "sigmoid": sigmoid,
        "softmax": softmax,
    },
)
