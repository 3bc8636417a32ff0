"""Settings that suit networks without and with normalisation, measured or from the papers."""

from __future__ import annotations

from collections.abc import Callable

from trainwell.core.facts import Facts
from trainwell.recipe.choice import Preset, Usual

_MANY = 5000  # training examples from which batches of 128 still make many steps an epoch
_BATCH_REASON = "several steps per epoch even on few examples"


def unnormalised(*, dropout: float) -> Usual:
    """Return the settings of deep networks without normalisation: small steps, bounded gradients.

    Args:
        dropout: probability of dropping, as in the paper.
    """

    def usual(facts: Facts, chosen: Preset) -> Preset:
        return {
            "nn.dropout": (dropout, f"as in the paper of {facts.model}"),
            "optim.name": ("adamw", "networks without normalisation need steps of their own for every weight"),
            "optim.learning_rate": (2e-4, "safe for deep networks without normalisation"),
            "train.batch_size": (_batch(facts), _BATCH_REASON),
            "train.clip_norm": (1.0, "nothing else bounds the gradients of a network without normalisation"),
        }

    return usual


def residual_rate(examples: int) -> float:
    """Return the learning rate of residual networks: smaller for the smaller batches of fewer examples.

    Measured on 244 photographs: the first of so few steps are too large at 0.03, and the loss jumps.
    """
    if examples >= _MANY:
        return 0.1
    return 0.03 if examples >= 1000 else 0.01


def normalised(*, dropout: float | None = None, rate: Callable[[int], float] = residual_rate) -> Usual:
    """Return the settings of networks with batch normalisation: SGD with a high rate.

    Args:
        dropout: probability of dropping, as in the paper; None if it has none.
        rate: training examples to learning rate.
    """

    def usual(facts: Facts, chosen: Preset) -> Preset:
        given: Preset = {}
        if dropout is not None:
            given["nn.dropout"] = (dropout, f"as in the paper of {facts.model}")
        reason = "He et al. 2016, section 4.2; smaller for smaller batches"
        return given | {
            "optim.name": ("sgd", "the usual choice for networks with batch normalisation"),
            "optim.learning_rate": (rate(facts.sizes.get("train", 0)), reason),
            "optim.weight_decay": (5e-4, "usual for residual networks"),
            "train.batch_size": (_batch(facts), _BATCH_REASON),
        }

    return usual


def _batch(facts: Facts) -> int:
    return 128 if facts.sizes.get("train", 0) >= _MANY else 32
