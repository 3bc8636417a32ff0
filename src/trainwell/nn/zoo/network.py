"""An entry of the catalogue of networks: its builder and its properties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from trainwell.core.facts import InputFacts
from trainwell.recipe.choice import Choice, Usual, no_defaults
from trainwell.recipe.sections import NetworkRecipe

Build = Callable[[NetworkRecipe, InputFacts, int], nn.Module]

# Settings of [nn] that apply to every network of the catalogue, and to those with hidden layers.
ALWAYS = ("nn.dropconnect", "nn.normalisation", "nn.pooling", "nn.initialisation")
HIDDEN = (*ALWAYS, "nn.activation", "nn.dropout")


@dataclass(frozen=True)
class PublishedData:
    """The data with which a paper introduced an architecture.

    Args:
        input: facts of one example; None if no paper ties the architecture to a data set.
        classes: number of classes.
    """

    input: InputFacts | None = None
    classes: int = 1000


@dataclass(frozen=True)
class Network:
    """One architecture.

    Args:
        build: (settings of [nn], facts of one prepared example, number of outputs) to the network.
        page: the function whose docstring is its page in `trainwell about`.
        uses: settings of [nn] that apply to it.
        usual: returns recommended settings, each with a reason, where it is chosen by name.
        published: the data of its paper.
        per_position: whether it can return outputs for every position of a sequence, also causal ones.
        can_be_mapped: whether `torch.func.vmap` supports its operations, so that many train as one program.
    """

    build: Build
    page: Callable[..., nn.Module]
    uses: tuple[str, ...] = HIDDEN
    usual: Usual = no_defaults
    published: PublishedData = PublishedData()
    per_position: bool = False
    can_be_mapped: bool = True

    @property
    def choice(self) -> Choice:
        """The properties of this network that the recipe needs."""
        return Choice(uses=frozenset(self.uses), usual=self.usual)
