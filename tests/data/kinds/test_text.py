"""Texts as sequences of tokens (docs/curriculum.md, A14, A18)."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from trainwell.core.errors import DataError, ShapeError
from trainwell.data.kinds import KINDS
from trainwell.data.text.texts import Texts
from trainwell.recipe.sections import DataRecipe

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
TEXT = KINDS["text"]
SENTENCES = ["the cat sat", "the dog sat on the mat", "a cat", ""]


def fitted(rows: list[int] | None = None, **settings: object):
    recipe = DataRecipe(**{"rarest": 1, **settings})
    inputs = Texts.of(SENTENCES)
    return TEXT.fit(inputs, np.array(rows or [0, 1, 2, 3]), settings=recipe, name="sentences", features=())


def test_the_vocabulary_comes_from_the_training_rows_only() -> None:
    preparation, _ = fitted([0, 2])
    assert "cat" in preparation.tokenizer.vocabulary and "dog" not in preparation.tokenizer.vocabulary
    assert preparation.facts.vocabulary == len(preparation.tokenizer)


def test_a_batch_is_padded_to_its_longest_text_and_masked() -> None:
    preparation, _ = fitted()
    source = preparation.source(Texts.of(SENTENCES))
    batch = source.collate(np.array([2, 0]))
    assert batch.inputs.shape == (2, 4) and batch.inputs.dtype == torch.int64
    assert batch.mask.tolist() == [[True, True, True, False], [True] * 4]
    assert source.lengths.tolist() == [4, 7, 3, 1]  # <bos> and the words; an empty text is not empty


def test_prediction_prepares_texts_as_training_did() -> None:
    preparation, _ = fitted()
    again = TEXT.load(json.loads(json.dumps(preparation.to_json())))
    texts = Texts.of(["the DOG sat", "an unknown bird"])
    for name, values in preparation.arrays(texts).items():
        assert np.array_equal(values, again.arrays(texts)[name])
    assert again.view(preparation.arrays(texts)["inputs"])[0].values == {"text": "the dog sat"}
    with pytest.raises(ShapeError, match="must be texts as in training"):
        preparation.arrays(np.zeros((2, 3)))


def test_what_is_unknown_or_cut_is_said() -> None:
    _, remarks = fitted(rarest=2, max_length=3)
    assert "unknown" in remarks[0] and "truncated to 3 tokens (data.max_length)" in remarks[1]


def test_data_without_a_word_are_refused() -> None:
    with pytest.raises(DataError, match="all 2 are empty"):
        TEXT.check(Texts.of(["", None]), name="nothing", ids=("a", "b"))


def test_equal_texts_are_told_for_the_audit() -> None:
    texts = Texts.of(["a b", "c", "a b"])
    assert TEXT.identity(texts)[:, 0].tolist() == [0, 1, 0]
    assert TEXT.texts(texts) == [("a b",), ("c",), ("a b",)]
    assert TEXT.measure(texts, (), most=5)["length"].values.tolist() == [3, 1, 3]


def test_a_linear_model_gets_the_counts_of_frequent_tokens_however_long_the_padding() -> None:
    preparation, _ = fitted()
    arrays = preparation.arrays(Texts.of(["the cat the", "cat"]))["inputs"]
    counts = preparation.for_linear_model(arrays)
    the, cat = (preparation.tokenizer.vocabulary.index(word) for word in ("the", "cat"))
    assert np.expm1(counts[:, [the, cat]]).round().tolist() == [[2, 1], [0, 1]]
    assert np.array_equal(preparation.for_linear_model(np.pad(arrays, ((0, 0), (0, 3)))), counts)
