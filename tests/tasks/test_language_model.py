"""The next token at every position [A15]."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.batch import Batch
from trainwell.core.errors import ShapeError
from trainwell.core.targets import TOKENS, TargetFacts
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks import TASKS, suitable
from trainwell.tasks.language_model import LanguageModel, bigram_entropy, unigram_entropy

LETTERS = ("<pad>", "<unk>", "<bos>", "<eos>", "a", "b", " ")


def batch(inputs: list[list[int]], targets: list[list[int]], **more: torch.Tensor) -> Batch:
    return Batch({"inputs": torch.tensor(inputs), "targets": torch.tensor(targets, dtype=torch.int32), **more})


@given(st.integers(2, 50))
def test_the_perplexity_of_uniform_outputs_is_the_vocabulary(count: int) -> None:
    task = LanguageModel(count=count)
    tally = task.tally()
    tally.add(torch.zeros(2, 3, count), batch([[0, 1, 0]] * 2, [[1, 0, 1]] * 2))
    assert tally.scores()["perplexity"] == pytest.approx(count)
    equally_frequent = np.arange(3 * count).reshape(3, count) % count
    assert task.chance_loss(equally_frequent) == pytest.approx(-tally.scores()["neg_log_loss"]) == math.log(count)


def test_a_network_that_knows_the_next_token_loses_nothing() -> None:
    task = LanguageModel(count=7, labels=LETTERS)
    one = batch([[4, 5, 6]], [[5, 6, 4]])
    certain = 100.0 * torch.nn.functional.one_hot(one.targets.long(), 7)
    copied = 100.0 * torch.nn.functional.one_hot(one.inputs, 7)
    assert task.loss(certain, one).item() == pytest.approx(0.0, abs=1e-6)
    assert task.loss(copied, one).item() == pytest.approx(100.0), "copying the input is not predicting"


def test_the_loss_is_that_of_cross_entropy_over_all_positions() -> None:
    torch.manual_seed(0)
    task = LanguageModel(count=5)
    logits = torch.randn(3, 4, 5)
    some = Batch({"inputs": torch.randint(5, (3, 4)), "targets": torch.randint(5, (3, 4))})
    expected = torch.nn.functional.cross_entropy(logits.reshape(-1, 5), some.targets.reshape(-1))
    assert torch.allclose(task.loss(logits, some), expected)
    tally = task.tally()
    tally.add(logits, some)
    assert -tally.scores()["neg_log_loss"] == pytest.approx(expected.item(), rel=1e-6)


def test_padding_changes_neither_loss_nor_scores() -> None:
    torch.manual_seed(1)
    task = LanguageModel(count=5)
    logits = torch.randn(2, 4, 5)
    short = batch([[1, 2]] * 2, [[2, 3]] * 2)
    padded = batch([[1, 2, 0, 0]] * 2, [[2, 3, 0, 0]] * 2, mask=torch.tensor([[True, True, False, False]] * 2))
    assert torch.allclose(task.loss(logits, padded), task.loss(logits[:, :2], short))
    one, two = task.tally(), task.tally()
    one.add(logits, padded)
    two.add(logits[:, :2], short)
    assert one.scores() == pytest.approx(two.scores())


def test_merged_tallies_are_one() -> None:
    torch.manual_seed(2)
    task = LanguageModel(count=5)
    parts = [(torch.randn(1, 3, 5), batch([[1, 2, 3]], [[2, 3, 4]])) for _ in range(2)]
    whole, first, second = task.tally(), task.tally(), task.tally()
    assert whole.scores() == {}
    for outputs, one in parts:
        whole.add(outputs, one)
    first.add(*parts[0])
    second.add(*parts[1])
    first.merge(second)
    assert first.scores() == pytest.approx(whole.scores())


def test_characters_are_scored_in_bits_and_others_by_perplexity() -> None:
    assert LanguageModel(count=7, labels=LETTERS).scores_of(math.log(2)) == {
        "neg_log_loss": -math.log(2),
        "bits_per_character": 1.0,
    }
    assert "perplexity" in LanguageModel(count=5, labels=(*LETTERS[:4], "word")).scores_of(1.0)


def test_predictions_are_tokens_and_read_as_text() -> None:
    task = LanguageModel(count=7, labels=LETTERS)
    predicted = task.predict(torch.nn.functional.one_hot(torch.tensor([[4, 6, 5]]), 7).float())
    assert predicted.values.tolist() == [[4, 6, 5]] and predicted.confidence is None
    assert task.words(predicted.values[0]) == "a b"
    assert LanguageModel(count=6, labels=(*LETTERS[:4], "to", "be")).words([4, 5]) == "to be"
    assert LanguageModel(count=6, labels=(*LETTERS[:4], "to", "Ġbe")).words([4, 5]) == "to be"
    assert LanguageModel(count=6).words(np.array([4, 5])) == "[4, 5]"


def test_outputs_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, length, tokens\) = \(1, 2, 5\) numbers, got \(1, 5\)"):
        LanguageModel(count=5).loss(torch.zeros(1, 5), batch([[1, 2]], [[2, 3]]))


def test_it_is_built_from_what_is_known_of_the_targets() -> None:
    assert suitable(TOKENS, 7) == ("language_model",)
    facts = TASKS["language_model"].fit_targets(np.zeros((1, 2)), LETTERS)
    task = TASKS["language_model"].build(TaskRecipe(), facts)
    assert (task.outputs, task.targets) == (7, TargetFacts(7, LETTERS)) and task.outputs_for(torch.tensor([[4]])) == 5


def test_averaged_outputs_average_probabilities() -> None:
    certain = torch.tensor([[[50.0, 0.0]]])
    averaged = LanguageModel(count=2).average([certain, certain.flip(-1)])
    assert torch.allclose(averaged.softmax(-1), torch.tensor([[[0.5, 0.5]]]))


@given(st.lists(st.integers(0, 4), min_size=2, max_size=40), st.lists(st.integers(0, 4), min_size=2, max_size=20))
def test_baselines_are_those_of_smoothed_counts(known: list[int], asked: list[int]) -> None:
    one = np.array(known)
    two = np.array(asked)
    share = [(known[1:].count(token) + 1) / (len(known) - 1 + 5) for token in range(5)]
    expected = -np.mean([math.log(share[token]) for token in asked[1:]])
    assert unigram_entropy(one[1:], two[1:], count=5) == pytest.approx(expected)
    pairs = list(zip(known, known[1:], strict=False))
    logs = [
        math.log((pairs.count((a, b)) + 1) / (known[:-1].count(a) + 5)) for a, b in zip(asked, asked[1:], strict=False)
    ]
    found = bigram_entropy((one[:-1], one[1:]), (two[:-1], two[1:]), count=5)
    assert found == pytest.approx(-np.mean(logs))


def test_the_bigram_is_better_than_the_unigram_where_order_matters() -> None:
    tokens = np.array([[4, 5] * 50])
    rows = LanguageModel(count=7, labels=LETTERS).baselines((tokens, tokens[:, ::-1]), (tokens, tokens[:, ::-1]))
    assert [name for name, _ in rows] == ["unigram", "bigram"]
    assert rows[1][1]["neg_log_loss"] > rows[0][1]["neg_log_loss"] + 0.5
