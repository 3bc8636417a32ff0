"""One text as a stream of tokens [A15]."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.data.text.stream import StreamCode, Windows, pieces, windows

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
TEXT = "to be, or not to be:\nthat is the question\n\nwhether 'tis nobler\n" * 3


@given(st.text(alphabet="ab \n\r\u2028é", max_size=60), st.integers(1, 20))
def test_pieces_joined_are_the_text(text: str, least: int) -> None:
    assert "".join(pieces(text, least=least)) == text


@pytest.mark.parametrize("tokenisation", ["characters", "byte_pairs"])
def test_decoding_undoes_encoding(tokenisation: str) -> None:
    code = StreamCode.fit(TEXT, tokenisation, size=300)
    assert code.decode(code.encode(TEXT)) == TEXT
    assert code.encode("").tolist() == [] and code.decode([]) == ""
    again = StreamCode.from_json(json.loads(json.dumps(code.to_json())))
    assert again.to_json() == code.to_json() and np.array_equal(again.encode(TEXT), code.encode(TEXT))


def test_lines_of_words_end_with_eos() -> None:
    code = StreamCode.fit(TEXT, "words", size=300)
    assert code.decode(code.encode("to be\nor not\n")) == "to be\nor not\n"
    assert code.decode(code.encode("to be\nor")) == "to be\nor", "the last line has not ended"
    assert code.decode(code.start) == "\n"


def test_a_text_without_a_prompt_begins_with_a_line() -> None:
    assert StreamCode.fit(TEXT, "characters", size=300).start.tolist() == [
        StreamCode.fit(TEXT, "characters", size=300).tokenizer.vocabulary.index("\n")
    ]
    assert StreamCode.fit("aab", "characters", size=300).start.tolist() == [4], "no line ends: the most frequent token"


def test_special_tokens_are_never_sampled_but_a_line_end_of_words() -> None:
    assert StreamCode.fit(TEXT, "characters", size=300).never_sampled == (0, 1, 2, 3)
    assert StreamCode.fit(TEXT, "words", size=300).never_sampled == (0, 1, 2)


@given(st.integers(0, 60), st.integers(1, 9))
def test_targets_are_the_inputs_shifted_by_one(length: int, context: int) -> None:
    tokens = np.arange(length, dtype=np.int32)
    inputs, targets = windows(tokens, context)
    assert np.array_equal(targets, inputs + 1) and inputs.shape == targets.shape
    assert np.array_equal(inputs.ravel(), np.arange(inputs.size)), "in the order of the text, without gaps"
    assert length - 1 - inputs.size < context, "no window that would fit is left out"


def test_windows_are_indexed_by_rows() -> None:
    code = StreamCode.fit(TEXT, "characters", size=300)
    found = Windows(np.arange(6, dtype=np.int32).reshape(3, 2), code)
    assert len(found) == 3 and found[np.array([2, 0])].tokens.tolist() == [[4, 5], [0, 1]]
