"""A text from the file to a trained language model [A15]."""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import ShapeError, UsageError
from trainwell.fitting.fit import Silent
from trainwell.fitting.plan import gather, plan

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
SMALL = {"nn.hidden": [32], "nn.embedding": 16, "data.context": 32}


def story(path: Path, count: int = 400) -> Path:
    """Lines whose last word repeats the second: only a network that remembers predicts it."""
    random = np.random.default_rng(0)
    words = ["red", "blue", "green", "grey"]
    chosen = [words[random.integers(4)] for _ in range(count)]
    path.write_text("".join(f"a {word} house is {word}\n" for word in chosen))
    return path


def weights(run) -> str:
    return hashlib.sha256((run.path / "model" / "weights.safetensors").read_bytes()).hexdigest()


class Stop(Silent):
    """Ends the process at a step, as Ctrl-C does."""

    def step(self, step: int, epoch: int) -> None:
        if step == 25:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_a_network_beats_the_bigram_and_no_rule_objects(model: str, tmp_path: Path) -> None:
    edits = {**SMALL, "nn.model": model, "optim.learning_rate": 0.01, "nn.dropout": 0.0}
    edits |= {"nn.hidden": [64, 64]} if model == "transformer" else {}
    run = tw.fit(story(tmp_path / "story.txt"), epochs=12, runs=tmp_path / "runs", edits=edits)
    event = next(event for event in run.events() if event.kind == "baselines")
    bigram = next(row["scores"] for row in event.detail["rows"] if row["name"] == "bigram")
    assert run.scores["test"]["neg_log_loss"] > bigram["neg_log_loss"] + 0.2
    assert run.scores["test"]["bits_per_character"] == pytest.approx(run.scores["test"]["loss"] / np.log(2))
    found = [finding.rule for finding in run.findings if finding.rule != "duplicates_across_splits"]
    assert found == [], "a healthy run: only the lines of the story repeat"
    assert not run.facts.labels and not run.facts.class_counts


def test_a_stopped_run_resumes_bit_for_bit(tmp_path: Path) -> None:
    text = story(tmp_path / "story.txt", count=200)
    edits = {**SMALL, "train.epochs": 4, "nn.dropout": 0.3}
    whole = tw.fit(text, edits=edits, runs=tmp_path, name="whole")
    with pytest.raises(tw.TrainwellError):
        tw.fit(text, edits=edits, runs=tmp_path, name="cut", display=Stop())
    resumed = tw.resume(tmp_path / "cut")
    assert weights(resumed) == weights(whole) and resumed.scores == whole.scores


def test_defaults_of_a_text_have_reasons_and_yield_to_the_user(tmp_path: Path) -> None:
    text = story(tmp_path / "story.txt")
    made = plan(gather(text, {}))
    assert made.recipe.task.name == "language_model" and made.recipe.nn.model == "lstm"
    assert made.recipe.data.lowercase is False and "data.lowercase" in made.reasons
    assert made.recipe.train.clip_norm == 1.0
    chosen = plan(
        gather(text, {"data.lowercase": True, "data.tokenisation": "words", "data.context": 8, "data.test": 0})
    )
    assert chosen.recipe.data.lowercase is True and not len(chosen.splits.test)
    assert "house" in chosen.examples.labels
    assert plan(gather(text, dict(tokenised_again(made)))).splits.sizes == made.splits.sizes


def tokenised_again(made) -> dict[str, object]:
    """The settings a recipe file would hold."""
    data = made.recipe.data
    return {
        f"data.{name}": getattr(data, name) for name in ("context", "tokenisation", "lowercase", "validation", "test")
    }


def test_networks_without_outputs_per_position_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be one of 'rnn', 'gru', 'lstm', 'transformer' for the task"):
        tw.fit(story(tmp_path / "story.txt"), epochs=1, runs=tmp_path, edits={"nn.model": "text_cnn"})


def test_an_autoencoder_does_not_restore_tokens(tmp_path: Path) -> None:
    edits = {"transfer.pretrain": "autoencoder", **SMALL}
    with pytest.raises(UsageError, match="transfer.pretrain must be 'none' for windows of a text"):
        tw.fit(story(tmp_path / "story.txt"), epochs=1, runs=tmp_path, edits=edits)


def test_a_run_starts_from_one_with_the_same_tokens_only(tmp_path: Path) -> None:
    edits = {**SMALL, "data.tokenisation": "characters"}
    first = tw.fit(story(tmp_path / "story.txt"), epochs=1, runs=tmp_path, name="first", edits=edits)
    again = tw.fit(tmp_path / "story.txt", epochs=1, runs=tmp_path, edits={"transfer.source": str(first.path), **edits})
    assert again.status == "ok"
    other = tmp_path / "other.txt"
    other.write_text("XYZ 123\n" * 400)
    with pytest.raises(ShapeError, match="got windows of a text of shape .* and other tokens"):
        tw.fit(other, epochs=1, runs=tmp_path, edits={"transfer.source": str(first.path), **edits})
