"""Networks for sequences of tokens, as the catalogue builds them [A14, H3]."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.batch import blank
from trainwell.core.errors import UsageError
from trainwell.core.facts import Facts, InputFacts
from trainwell.nn.zoo import MODELS
from trainwell.nn.zoo.tokens import for_causal_blocks, for_tokens
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
    with pytest.raises(UsageError, match="one number of units for all layers"):
        MODELS["gru"].build(dataclasses.replace(SETTINGS, hidden=(16, 8)), SENTENCES, 3)
    with pytest.raises(UsageError, match="must be a multiple of nn.heads, got 8 and 3"):
        MODELS["transformer"].build(dataclasses.replace(SETTINGS, heads=3), SENTENCES, 3)


CAUSAL = dataclasses.replace(SENTENCES, per_position=True, causal=True)


@pytest.mark.parametrize("name", [name for name in NAMES if MODELS[name].per_position])
@given(data=st.data())
def test_causal_outputs_depend_on_earlier_tokens_only(name: str, data: st.DataObject) -> None:
    torch.manual_seed(1)
    net = MODELS[name].build(SETTINGS, CAUSAL, 30).eval()
    last = data.draw(st.integers(0, 10))  # the last position that keeps its token
    tokens = torch.tensor(data.draw(st.lists(st.integers(4, 29), min_size=12, max_size=12)))[None]
    changed = tokens.clone()
    changed[0, last + 1 :] = torch.tensor(
        data.draw(st.lists(st.integers(4, 29), min_size=11 - last, max_size=11 - last))
    )
    before, after = net(tokens)[0], net(changed)[0]
    assert before.shape == (12, 30)
    assert torch.allclose(before[: last + 1], after[: last + 1], atol=1e-5)
    padded = tokens.clone()
    padded[0, last + 1 :] = 0
    mask = torch.arange(12)[None] <= last
    for given_mask in (mask, None):  # padding is known by its number too
        assert torch.allclose(net(padded, mask=given_mask)[0, : last + 1], net(tokens[:, : last + 1])[0], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if MODELS[name].per_position])
def test_outputs_per_position_see_every_token_unless_causal(name: str) -> None:
    torch.manual_seed(2)
    settings = dataclasses.replace(SETTINGS, bidirectional=True)
    net = MODELS[name].build(settings, dataclasses.replace(CAUSAL, causal=False), 5).eval()
    tokens = torch.randint(4, 30, (1, 12))
    changed = tokens.clone()
    changed[0, -1] = 4 + (tokens[0, -1] - 3) % 26
    assert net(tokens).shape == (1, 12, 5)
    assert not torch.allclose(net(tokens)[0, 0], net(changed)[0, 0], atol=1e-6)


def test_a_language_model_cannot_read_backwards() -> None:
    with pytest.raises(UsageError, match="nn.bidirectional must be false for a language model"):
        MODELS["lstm"].build(dataclasses.replace(SETTINGS, bidirectional=True), CAUSAL, 30)


def test_a_language_model_gets_settings_of_its_own() -> None:
    facts = Facts(sizes={"train": 8000}, causal=True)
    assert for_tokens(facts, {})["train.epochs"][0] == 5 and for_tokens(facts, {})["nn.dropout"][0] == 0.0
    assert for_causal_blocks(facts, {})["nn.hidden"][0] == (512, 512, 512)
    assert for_causal_blocks(Facts(), {}) == for_tokens(Facts(), {})


def test_suitable_settings_fit_embeddings() -> None:
    chosen = for_tokens(Facts(sizes={"train": 400}), {})
    assert chosen["optim.name"][0] == "adamw" and chosen["train.batch_size"][0] == 32
