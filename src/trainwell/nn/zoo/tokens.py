"""What the networks for sequences of tokens share: their vocabulary, and settings that suit them."""

from __future__ import annotations

from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts, InputFacts
from trainwell.recipe.choice import Preset

SENTENCES = InputFacts((64,), vocabulary=20_000, max_length=64)
"""Inputs of a usual size, for which the cost of a network is told where there are no data."""


def vocabulary_of(facts: InputFacts, model: str) -> int:
    """Return the size of the vocabulary.

    Raises:
        UsageError: if the inputs are no tokens.
    """
    if not facts.vocabulary:
        raise UsageError(
            f"nn.model = {model!r} needs sequences of tokens, got inputs of shape {facts.shape}. Name a column of "
            "texts with data.text, or take another network."
        )
    return facts.vocabulary


def for_tokens(facts: Facts, chosen: Preset) -> Preset:
    """Choose an optimizer whose steps fit embeddings, of which most rows get no gradient in a step."""
    examples = facts.sizes.get("train", 0)
    return {
        "nn.dropout": (0.5, "usual in front of the head of networks for texts"),
        "nn.hidden": ((128,), "one layer is enough for sentences"),
        "optim.name": ("adamw", "each row of an embedding needs a step size of its own"),
        "optim.learning_rate": (1e-3, "safe for Adam on embeddings"),
        "train.batch_size": (32 if examples < 5000 else 64, "several steps per epoch even on few examples"),
        "train.clip_norm": (1.0, "gradients through time may explode (Pascanu et al. 2013)"),
    }
