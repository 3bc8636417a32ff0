"""Networks for sequences of tokens, as the catalogue builds them [A14, H3]."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from trainwell.core.batch import blank
from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts, InputFacts
from trainwell.nn.zoo import MODELS
from trainwell.nn.zoo.tokens import for_tokens
from trainwell.recipe.sections import NetworkRecipe

NAMES = ("rnn", "gru", "lstm", "text_cnn", "transformer")
SENTENCES = InputFacts((12,), vocabulary=30, max_length=12)
SETTINGS = NetworkRecipe(hidden=(16,), embedding=8, heads=2)


@pytest.mark.parametrize("name", NAMES)
def test_each_reads_tokens_with_or_without_a_mask(name: str) -> None:
    torch.manual_seed(0)
    net = MODELS[name].build(SETTINGS, SENTENCES, 3).eval()
    tokens = torch.randint(4, 30, (2, 12))
    mask = torch.arange(12) < torch.tensor([5, 12])[:, None]
    padded = tokens * mask
    assert net(padded, mask=mask).shape == (2, 3)
    assert torch.allclose(net(padded, mask=mask), net(padded), atol=1e-6)  # padding is known by its number, 0
    batch = blank(SENTENCES, 2)
    assert net(batch.inputs, mask=batch.mask).shape == (2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_inputs_that_are_no_tokens_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="needs sequences of tokens, got inputs of shape"):
        MODELS[name].build(SETTINGS, InputFacts((3, 32, 32)), 3)


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(UsageError, match="one number of units for every layer"):
        MODELS["gru"].build(dataclasses.replace(SETTINGS, hidden=(16, 8)), SENTENCES, 3)
    with pytest.raises(UsageError, match="must be a multiple of nn.heads, got 8 and 3"):
        MODELS["transformer"].build(dataclasses.replace(SETTINGS, heads=3), SENTENCES, 3)


def test_suitable_settings_fit_embeddings() -> None:
    chosen = for_tokens(Facts(sizes={"train": 400}), {})
    assert chosen["optim.name"][0] == "adamw" and chosen["train.batch_size"][0] == 32
