"""Text sampled from a language model [A15]."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.core.facts import InputFacts
from trainwell.data.text.stream import StreamCode
from trainwell.inference.generate import Sampling, _pieces, generate, sample, unknown
from trainwell.nn.zoo import MODELS
from trainwell.recipe.sections import NetworkRecipe

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")
QUICK = {"nn.hidden": [24], "nn.embedding": 12, "data.context": 32, "nn.dropout": 0.0, "optim.learning_rate": 0.02}


def story(path: Path, count: int = 300) -> Path:
    random = np.random.default_rng(0)
    names = ["ann", "bob", "cat"]
    lines = [f"{names[random.integers(3)]} sees {names[random.integers(3)]}.\n" for _ in range(count)]
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("generate")
    return tw.fit(story(folder / "story.txt"), epochs=6, runs=folder / "runs", name="story", edits=QUICK)


def test_the_same_seed_gives_the_same_text(run) -> None:
    one = generate(run, "ann", length=60, sampling=Sampling(seed=3))
    assert generate(run, "ann", length=60, sampling=Sampling(seed=3)) == one
    assert generate(run, "ann", length=60, sampling=Sampling(seed=4)).text != one.text
    assert one.tokens == len(one.text) == 60


def test_greedy_text_needs_no_seed_and_is_what_was_learned(run) -> None:
    greedy = [generate(run, "ann sees", length=12, sampling=Sampling(temperature=0, seed=seed)) for seed in (0, 1)]
    assert greedy[0].text == greedy[1].text
    assert greedy[0].text[:5] in (" ann.", " bob.", " cat.")
    assert greedy[0].text == generate(run, "ann sees", length=12, sampling=Sampling(top_k=1)).text


def test_pieces_that_are_shown_are_the_text(run) -> None:
    shown: list[str] = []
    found = generate(run, "bob", length=100, show=shown.append)
    assert "".join(shown) == found.text
    assert "<" not in found.text, "special tokens are never sampled"


def test_unknown_letters_of_the_prompt_are_reported(run) -> None:
    assert generate(run, "ann Ä ann Ö", length=3).unknown == ("Ä", "Ö")
    assert generate(run, "", length=3).unknown == ()
    code = StreamCode.fit("a cat sat", "words", size=20)
    assert unknown(code, "a dog sat") == ("dog",)


def test_what_cannot_be_done_is_refused(run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--length must be at least 1, got 0"):
        generate(run, length=0)
    for wrong in ({"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": -1}, {"top_p": 0.0}, {"top_p": 1.5}):
        with pytest.raises(UsageError, match="must be"):
            Sampling(**wrong)
    iris = tw.fit("iris", epochs=1, runs=tmp_path)
    with pytest.raises(UsageError, match="needs a language model, but the run .* learned"):
        generate(iris)


def test_probabilities_follow_temperature_top_k_and_top_p() -> None:
    logits = torch.log(torch.tensor([0.5, 0.3, 0.2, 0.0]))
    assert torch.allclose(Sampling(temperature=1).probabilities(logits).float(), logits.exp())
    assert Sampling(temperature=0).probabilities(logits).tolist() == [1, 0, 0, 0]
    two = Sampling(temperature=1, top_k=2).probabilities(logits)
    assert torch.allclose(two, torch.tensor([0.625, 0.375, 0, 0], dtype=torch.float64))
    assert torch.allclose(Sampling(temperature=1, top_p=0.6).probabilities(logits), two), "0.5 alone is not enough"
    assert Sampling(temperature=1, top_p=0.01).probabilities(logits).tolist() == [1, 0, 0, 0]
    hot = Sampling(temperature=2).probabilities(logits)
    assert hot[0] < 0.5 and hot[3] == 0


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "transformer"])
def test_carried_state_and_windows_continue_alike(name: str) -> None:
    """Greedy text, decoded step by step, is what the network predicts when it reads everything at once."""
    torch.manual_seed(0)
    facts = InputFacts((16,), vocabulary=9, max_length=16, per_position=True, causal=True)
    network = MODELS[name].build(NetworkRecipe(hidden=(16,), embedding=8, heads=2), facts, 9).eval()
    begin = np.array([4, 5])
    taken = list(itertools.islice(sample(network, begin, context=16, sampling=Sampling(temperature=0)), 10))
    read = [4, 5]
    for token in taken:
        with torch.no_grad():
            expected = int(
                network(torch.tensor([read]), mask=torch.ones(1, len(read), dtype=torch.bool))[0, -1].argmax()
            )
        assert token == expected
        read.append(token)


def test_a_network_without_a_state_reads_the_last_window() -> None:
    facts = InputFacts((4,), vocabulary=9, max_length=4, per_position=True, causal=True)
    network = MODELS["transformer"].build(NetworkRecipe(hidden=(16,), embedding=8, heads=2), facts, 9).eval()
    tokens = sample(network, np.array([4] * 7), context=4, sampling=Sampling(), never=(0, 1, 2, 3))
    assert min(itertools.islice(tokens, 12)) >= 4


def test_half_a_letter_waits_for_its_other_bytes() -> None:
    text = "naïve café — zwölf " * 20
    code = StreamCode.fit("plain letters only", "byte_pairs", size=300)
    tokens = code.encode(text)
    sampled: list[int] = []
    shown = list(_pieces(code, iter(tokens.tolist()), begin=tokens[:0], length=len(tokens), sampled=sampled))
    assert "".join(shown) == text and not any("\ufffd" in piece for piece in shown)
