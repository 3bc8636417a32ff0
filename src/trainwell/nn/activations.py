"""Non-linearities by name; the docstring of each is its page in `trainwell about`."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from trainwell.core.catalogue import Catalogue


def relu() -> nn.Module:
    """Pass on what is positive: max(0, x).

    Formula: max(0, x); slope 1 for x > 0, else 0
    Use: the default of deep networks, with He's initialisation.
    Cost: next to nothing; a unit that is negative for every input learns no more (dead).
    Lab: dying_relu, initialisation
    Source: Nair and Hinton 2010
    """
    return nn.ReLU()


def leaky_relu() -> nn.Module:
    """Pass on a hundredth of what is negative, so that no unit dies.

    Formula: x for x > 0, else 0.01 x
    Use: where rectifiers die.
    Cost: as relu.
    Lab: dying_relu
    Source: Maas et al. 2013
    """
    return nn.LeakyReLU()


def prelu() -> nn.Module:
    """Learn the slope of the negative side, starting at 0.25.

    Formula: x for x > 0, else a x; a is learned, one for each layer
    Use: large networks with data enough for one more number a layer.
    Cost: one weight a layer.
    Source: He et al. 2015
    """
    return nn.PReLU()


def elu() -> nn.Module:
    """Bend smoothly to -1, which keeps the mean of a layer nearer to zero.

    Formula: x for x > 0, else e^x - 1
    Use: instead of batch norm in plain networks.
    Cost: an exponential.
    Source: Clevert et al. 2016
    """
    return nn.ELU()


def selu() -> nn.Module:
    """ELU scaled so that mean 0 and variance 1 are kept from layer to layer.

    Formula: 1.0507 (x for x > 0, else 1.6733 (e^x - 1))
    Use: deep fully connected networks without normalisation; start with nn.initialisation = "lecun_normal".
    Cost: an exponential; dropout and other layers between break its law.
    Source: Klambauer et al. 2017
    """
    return nn.SELU()


def gelu() -> nn.Module:
    """Weigh x by the probability that a standard normal number is below it.

    Formula: x P(X < x), X standard normal
    Use: transformers.
    Cost: an error function.
    Source: Hendrycks and Gimpel 2016
    """
    return nn.GELU()


def silu() -> nn.Module:
    """Weigh x by its own sigmoid; also called swish.

    Formula: x / (1 + e^-x)
    Use: deep convolution networks.
    Cost: an exponential.
    Source: Elfwing et al. 2018; Ramachandran et al. 2017
    """
    return nn.SiLU()


def tanh() -> nn.Module:
    """Squash into (-1, 1) around zero.

    Formula: (e^x - e^-x) / (e^x + e^-x); slope 1 - y²
    Use: recurrent networks; with Xavier's initialisation.
    Cost: an exponential; slopes vanish beyond about |x| = 3.
    Lab: initialisation
    """
    return nn.Tanh()


def sigmoid() -> nn.Module:
    """Squash into (0, 1): a probability, or a gate.

    Formula: 1 / (1 + e^-x); slope y (1 - y), at most 1/4
    Use: gates and outputs; in deep hidden layers it saturates.
    Cost: an exponential; four layers lose a factor of 256 of the gradient.
    Lab: sigmoid_saturation
    """
    return nn.Sigmoid()


def softmax() -> nn.Module:
    """Share 1 out over the units of a layer, in proportion to e^x.

    Formula: e^x_i / sum_j e^x_j
    Use: outputs and attention; as a hidden layer it lets units compete. The loss of `classify` applies it by itself.
    Cost: an exponential; hidden units hardly learn when one of them wins.
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
