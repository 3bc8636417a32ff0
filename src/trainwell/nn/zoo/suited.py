"""Recommended settings of networks with and without normalisation, measured or from the papers."""

from __future__ import annotations

from collections.abc import Callable

from trainwell.core.facts import Facts
from trainwell.recipe.choice import Preset, Usual

_MANY = 5000  # training examples from which on batches of 128 give enough steps per epoch
_BATCH_REASON = "several steps per epoch even on few examples"


def unnormalised(*, dropout: float) -> Usual:
    """Return settings for deep networks without normalisation: a low learning rate, clipped gradients.

    Args:
        dropout: dropout probability, as in the paper.
    """

    def usual(facts: Facts, chosen: Preset) -> Preset:
        return {
            "nn.dropout": (dropout, f"as in the paper of {facts.model}"),
            "optim.name": ("adamw", "networks without normalisation need an adaptive optimizer"),
            "optim.learning_rate": (2e-4, "safe for deep networks without normalisation"),
            "train.batch_size": (_batch(facts), _BATCH_REASON),
            "train.clip_norm": (1.0, "without normalisation nothing else bounds the gradients"),
        }

    return usual


def residual_rate(examples: int) -> float:
    """Return the learning rate of residual networks: smaller for the smaller batches of fewer examples.

    Measured on 244 photographs: at 0.03 the loss diverges in the first steps.
    """
    if examples >= _MANY:
        return 0.1
    return 0.03 if examples >= 1000 else 0.01


def normalised(*, dropout: float | None = None, rate: Callable[[int], float] = residual_rate) -> Usual:
    """Return settings for networks with batch normalisation: SGD with a high learning rate.

    Args:
        dropout: dropout probability, as in the paper; None without dropout.
        rate: from the number of training examples to the learning rate.
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
