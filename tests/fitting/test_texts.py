"""A table of texts from the file to predictions [A14, A18]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import trainwell as tw

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")


def reviews(path: Path, count: int = 240) -> Path:
    """Sentences that are good or bad by the order of two words, which no bag of words can tell."""
    random = np.random.default_rng(0)
    fillers = ["a", "the", "film", "plot", "was", "and", "with", "some"]
    lines = ["review,label"]
    for number in range(count):
        first, second = ("light", "dark") if number % 2 else ("dark", "light")
        words = list(random.choice(fillers, random.integers(2, 9)))
        at = int(random.integers(0, len(words) + 1))
        lines.append(" ".join([*words[:at], first, second, *words[at:]]) + f",{'good' if number % 2 else 'bad'}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("model", ["text_cnn", "gru"])
def test_the_order_of_words_is_learned_and_new_texts_are_predicted(model: str, tmp_path: Path) -> None:
    table = reviews(tmp_path / "reviews.csv")
    edits = {
        "data.text": "review",
        "nn.model": model,
        "nn.dropout": 0.1,
        "nn.hidden": [32] if model == "gru" else None,
        "optim.learning_rate": 5e-3,
        "train.patience": 0,
    }
    given = {key: value for key, value in edits.items() if value is not None}
    run = tw.fit(table, epochs=12, runs=tmp_path / "runs", edits=given)
    assert run.scores["test"]["accuracy"] > 0.95
    new = tmp_path / "new.csv"
    new.write_text("review\nthe light dark film\nthe dark light film\n")
    assert tw.predict(run, new).values == ["good", "bad"]


def test_a_run_is_a_function_of_recipe_data_and_seed(tmp_path: Path) -> None:
    table = reviews(tmp_path / "reviews.csv", count=120)
    edits = {"data.text": "review", "nn.model": "gru", "nn.hidden": [8], "nn.embedding": 8, "train.patience": 0}
    one, two = (tw.fit(table, epochs=2, runs=tmp_path / name, edits=edits) for name in ("one", "two"))
    assert one.scores == two.scores
