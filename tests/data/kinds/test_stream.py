"""Windows of one long text as examples [A15]."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError, UsageError
from trainwell.data.kinds import KINDS
from trainwell.data.text.stream import StreamCode, Windows, windows
from trainwell.recipe.sections import DataRecipe

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
STREAM = KINDS["stream"]
TEXT = "the cat sat on the mat and the dog sat on the cat "


def read(text: str = TEXT, *, context: int = 8) -> Windows:
    code = StreamCode.fit(TEXT, "characters", size=100)
    return Windows(windows(code.encode(text), context)[0], code)


def fitted(inputs: Windows):
    rows = np.arange(len(inputs) - 1)
    return STREAM.fit(inputs, rows, settings=DataRecipe(), name="a.txt", features=())


def test_facts_say_vocabulary_and_length() -> None:
    preparation, _ = fitted(read())
    facts = preparation.facts
    assert (facts.shape, facts.vocabulary, facts.max_length) == ((8,), len(preparation.code), 8)


def test_unknown_tokens_outside_the_training_block_are_counted() -> None:
    assert "0.00% of the other tokens are unknown" in fitted(read())[1][0]
    assert "100.00% of the other tokens are unknown" in fitted(read("a cat sat on a mat" + "X" * 16))[1][0]


def test_batches_hold_int64_tokens_and_no_mask() -> None:
    inputs = read()
    preparation, _ = fitted(inputs)
    source = preparation.source(inputs)
    batch = source.finish(Batch({"inputs": torch.from_numpy(source.tensors["inputs"][:2])}))
    assert batch.inputs.dtype == torch.int64 and batch.mask is None
    assert np.array_equal(preparation.arrays(inputs)["inputs"], inputs.tokens)
    with pytest.raises(ShapeError, match="must be windows of a text"):
        preparation.arrays(np.zeros((2, 8)))


def test_a_preparation_is_stored_without_loss() -> None:
    inputs = read()
    preparation, _ = fitted(inputs)
    again = STREAM.load(json.loads(json.dumps(preparation.to_json())))
    assert again.facts == preparation.facts and again.adopted(preparation) is again


def test_only_the_same_tokens_are_adopted() -> None:
    preparation, _ = fitted(read())
    assert preparation.adopted(fitted(read())[0]) is preparation
    assert preparation.adopted(fitted(read(context=4))[0]) is None


def test_a_reader_sees_text() -> None:
    inputs = read()
    preparation, _ = fitted(inputs)
    assert STREAM.view(inputs, [0])[0].values == {"text": "the cat "}
    assert preparation.view(inputs.tokens[1:2])[0].values == {"text": "sat on t"}
    assert STREAM.measure(inputs, (), most=9)["unknown"].values.tolist() == [0.0] * len(inputs)
    assert STREAM.identity(inputs).shape == STREAM.flat(inputs, np.arange(len(inputs)), name="").shape == (6, 8)


def test_prediction_names_generate() -> None:
    with pytest.raises(UsageError, match="trainwell generate RUN"):
        STREAM.check_predicts()
    with pytest.raises(UsageError, match="trainwell generate RUN"):
        STREAM.given(["a text"])
