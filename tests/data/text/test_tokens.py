"""Vocabularies come from the training texts only, and unknown words become <unk> (docs/curriculum.md, A18)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.core.errors import UnknownNameError, UsageError
from trainwell.data.text.tokens import SPECIAL, TOKENISATIONS, Tokenizer

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
TEXTS = ["To be, or not to be:", "that is the question!", "to be is to do"]


@pytest.mark.parametrize("tokenisation", list(TOKENISATIONS))
def test_special_tokens_come_first_and_everything_survives_json(tokenisation: str) -> None:
    tokens = Tokenizer.fit(TEXTS, tokenisation, size=400)
    assert tokens.vocabulary[:4] == SPECIAL
    again = Tokenizer.from_json(json.loads(json.dumps(tokens.to_json())))
    assert again.vocabulary == tokens.vocabulary
    assert again.encode(TEXTS).values.tolist() == tokens.encode(TEXTS).values.tolist()


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=40))
def test_byte_pairs_give_every_text_back(text: str) -> None:
    tokens = Tokenizer.fit(TEXTS, "byte_pairs", size=400)
    assert tokens.decode(tokens.encode([text], begin=True, end=True).row(0).tolist()) == text


def test_characters_give_texts_of_known_characters_back() -> None:
    text = "line one\n  line two\t!"
    tokens = Tokenizer.fit([text], "characters", size=100)
    encoded = tokens.encode([text]).row(0)
    assert len(encoded) == len(text)
    assert tokens.decode(encoded.tolist()) == text


def test_rare_words_and_words_beyond_the_size_are_unknown() -> None:
    tokens = Tokenizer.fit(TEXTS, "words", size=100, rarest=2)
    assert set(tokens.vocabulary[4:]) == {"to", "be", "is"}
    assert tokens.encode(["to question"]).values.tolist() == [tokens.vocabulary.index("to"), 1]
    assert len(Tokenizer.fit(TEXTS, "words", size=6)) == 6


def test_words_are_told_from_punctuation_and_case_can_be_ignored() -> None:
    assert {"be", ",", "To", "to"} <= set(Tokenizer.fit(TEXTS, "words", size=100).vocabulary)
    lowered = Tokenizer.fit(TEXTS, "words", size=100, lowercase=True)
    assert "To" not in lowered.vocabulary
    assert lowered.encode(["TO"]).values.tolist() == lowered.encode(["to"]).values.tolist()
    assert "be," in Tokenizer.fit(TEXTS, "spaces", size=100).vocabulary


def test_begin_and_end_are_marked_on_request() -> None:
    encoded = Tokenizer.fit(TEXTS, "words", size=100).encode(["to be", ""], begin=True, end=True)
    assert [row.tolist()[0] for row in encoded] == [2, 2] and [row.tolist()[-1] for row in encoded] == [3, 3]
    assert encoded.lengths.tolist() == [4, 2]


def test_texts_without_a_token_are_refused() -> None:
    with pytest.raises(UsageError, match="occurs at least 5 times"):
        Tokenizer.fit(TEXTS, "words", size=100, rarest=5)


def test_a_wrong_name_suggests_the_right_one() -> None:
    with pytest.raises(UnknownNameError, match="characters"):
        Tokenizer.fit(TEXTS, "character", size=100)
