"""[transfer]: what a network takes from one trained before, and which layers stay frozen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainwell.recipe.sections.setting import (
    AT_LEAST_ONE,
    COUNT,
    FRACTION,
    POSITIVE,
    SHARE,
    Limits,
    OnlyWith,
    Values,
    setting,
)

_FROM = OnlyWith("transfer.source", off="")


@dataclass(frozen=True)
class TransferRecipe:
    """What a network takes from one trained before, and which layers stay frozen."""

    source: str = setting("", "run whose network and preprocessing to start from; empty: from scratch")
    freeze: str = setting("none", "layers to freeze: none, features (all but the head), 3, -2, a name")
    layers: str = setting(
        "all", "layers to copy from the source, written as for freeze; the rest is initialised", only_with=_FROM
    )
    unfreeze_every: int = setting(
        0,
        "epochs after which one more frozen layer is unfrozen; 0: never",
        limits=COUNT,
        unit="epochs",
        only_with=OnlyWith("transfer.freeze", off="none"),
    )
    head_rate: float = setting(10.0, "learning rate of the new head, times optim.learning_rate", limits=POSITIVE)
    labelled: float = setting(1.0, "fraction of the training labels that are used", limits=SHARE)
    pretrain: str = setting(
        "none",
        "pretraining without labels on all training inputs",
        limits=Limits(words=("none", "autoencoder", "denoising")),
    )
    pretrain_epochs: int = setting(
        10,
        "epochs of pretraining",
        limits=AT_LEAST_ONE,
        unit="epochs",
        only_with=OnlyWith("transfer.pretrain", names=("autoencoder", "denoising")),
    )
    noise: float = setting(
        0.3,
        "fraction of the inputs set to zero (pretrain denoising)",
        limits=FRACTION,
        only_with=OnlyWith("transfer.pretrain", names=("denoising",)),
    )


def relations(values: Values) -> Iterator[str]:
    """Yield what is wrong between the settings of this section and others."""
    scratch = not values["transfer.source"] and values["transfer.pretrain"] == "none"
    if scratch and values["transfer.freeze"] != "none":
        yield (
            f"transfer.freeze must be 'none' for a network from scratch, got {values['transfer.freeze']!r}: randomly "
            "initialised layers must learn. Give transfer.source (--from RUN) or transfer.pretrain."
        )
