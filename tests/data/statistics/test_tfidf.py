"""Texts as weighted words, fitted on the training rows [B4]."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.prepare import Preparation
from trainwell.data.statistics.tfidf import TfIdf
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

TEXTS = np.array(["the film is good good", "the film is bad", "a good one this time", "a bad one this time"], object)


def test_tf_idf_as_scikit_learn_has_it() -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    fitted = TfIdf.fit("said", TEXTS)
    assert fitted
    out = np.zeros((4, len(fitted.words)), np.float32)
    fitted.fill(TEXTS, out)
    theirs = TfidfVectorizer(sublinear_tf=True, vocabulary=list(fitted.words), token_pattern=r"\w+").fit(TEXTS)
    assert out == pytest.approx(theirs.transform(TEXTS).toarray() * len(fitted.words) ** 0.5, abs=1e-5)


@given(st.text(max_size=40))
def test_every_text_is_equally_long_or_holds_no_known_word(text: str) -> None:
    fitted = TfIdf.fit("said", TEXTS)
    assert fitted
    out = np.zeros((1, len(fitted.words)), np.float32)
    fitted.fill(np.array([text], object), out)
    length = float(np.linalg.norm(out))
    assert length == pytest.approx(len(fitted.words) ** 0.5, abs=1e-4) or length == 0


def test_a_table_of_texts_alone_learns_from_words_and_is_stored() -> None:
    kinds = np.arange(4) % 2
    examples = Examples(
        "t", KINDS["table"], Table({"said": TEXTS}), kinds, "classes", numbered("row", 4), ("a", "b"), ("said",)
    )
    fitted = Preparation.fit(examples, np.arange(4), recipe=DataRecipe())
    assert fitted.feature_names[:2] == ("said: a", "said: bad")
    again = Preparation.from_json(fitted.to_json())
    assert np.array_equal(again.inputs(examples.inputs), fitted.inputs(examples.inputs))
    new = Table({"said": np.array(["unheard of", None], object)})
    assert fitted.inputs(new).tolist() == np.zeros((2, fitted.input_shape[0])).tolist()


@pytest.mark.parametrize("values", [["red", "blue"] * 3, ["one two three", "four five six"]])
def test_categories_and_words_that_stand_once_are_no_texts(values: list[str]) -> None:
    assert TfIdf.fit("x", np.array(values, object)) is None
