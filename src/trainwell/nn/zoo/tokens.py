"""Shared by networks for sequences of tokens: size of the vocabulary, recommended settings."""

from __future__ import annotations

from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts, InputFacts
from trainwell.recipe.choice import Preset

SENTENCES = InputFacts((64,), vocabulary=20_000, max_length=64)
"""Typical inputs, for which the cost of a network is computed where there are no data."""


def vocabulary_of(facts: InputFacts, model: str) -> int:
    """Return the size of the vocabulary.

    Raises:
        UsageError: if the inputs are not tokens.
    """
    if not facts.vocabulary:
        raise UsageError(
            f"nn.model = {model!r} needs sequences of tokens, got inputs of shape {facts.shape}. Name a text "
            "column with data.text, or choose another network."
        )
    return facts.vocabulary


def for_tokens(facts: Facts, chosen: Preset) -> Preset:
    """Choose an adaptive optimizer, because most rows of an embedding get no gradient in a step."""
    examples = facts.sizes.get("train", 0)
    if facts.causal:
        return _for_language_model(examples)
    return {
        "nn.dropout": (0.5, "usual before the head of text networks"),
        "nn.hidden": ((128,), "one layer is enough for sentences"),
        "optim.name": ("adamw", "rare tokens need an adaptive learning rate"),
        "optim.learning_rate": (1e-3, "safe for Adam on embeddings"),
        "train.batch_size": (32 if examples < 5000 else 64, "several steps per epoch even on few examples"),
        "train.clip_norm": (1.0, "gradients through time may explode (Pascanu et al. 2013)"),
    }


def _for_language_model(windows: int) -> Preset:
    epochs = max(4, min(30, round(40_000 / max(1, windows))))
    few = windows < 2000
    return {
        "nn.dropout": (0.2 if few else 0.0, "a short text is soon memorised" if few else "the text is long enough"),
        "nn.hidden": ((256,), "one layer learns fastest per second on a CPU"),
        "nn.embedding": (64, "enough to tell a few hundred tokens apart"),
        "optim.name": ("adamw", "each row of an embedding needs a step size of its own"),
        "optim.learning_rate": (4e-3, "measured on tinyshakespeare, with clipping"),
        "train.batch_size": (16, "many steps: a window holds a hundred targets"),
        "train.clip_norm": (1.0, "gradients through time may explode (Pascanu et al. 2013)"),
        "train.epochs": (epochs, "about 40,000 windows in all"),
        "train.patience": (max(3, epochs // 4), "stop after a quarter of the run without progress"),
    }


def for_causal_blocks(facts: Facts, chosen: Preset) -> Preset:
    """Choose settings for a transformer: as for other networks of tokens, but a few blocks for a language model."""
    usual = for_tokens(facts, chosen)
    if not facts.causal:
        return usual
    return usual | {
        "nn.hidden": ((512, 512, 512), "three blocks, with four times the embedding's features"),
        "nn.embedding": (128, "features of a token in every block"),
        "optim.learning_rate": (2e-3, "usual for small transformers with pre-norm blocks and a warm-up"),
    }
