"""What every task of the catalogue promises, and how one is chosen."""

from __future__ import annotations

import copy
import json
import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.batch import Batch
from trainwell.core.contracts.task import Task
from trainwell.core.errors import UnknownNameError
from trainwell.core.targets import CLASSES, LABEL_SETS, NUMBERS, TOKENS, TargetFacts
from trainwell.recipe.sections import TaskRecipe
from trainwell.tasks import TASKS, suitable, suitable_for_network, target_type_for, task_of_criterion, unread_settings

LABELS = ("ant", "bee", "cow")
EXAMPLES = 24
LENGTH = 4  # positions of a sequence, for a task with a target at each


def make(name: str, seed: int = 0, examples: int = EXAMPLES) -> tuple[Task, torch.Tensor, Batch]:
    """A task as it is built for targets of its type, with outputs and a batch of them."""
    rng = np.random.default_rng(seed)
    kind, count = (
        TASKS[name].target_type,
        2 if TASKS[name].suits(CLASSES, 2) and not TASKS[name].suits(CLASSES, 3) else 3,
    )
    raw = {
        CLASSES: np.arange(examples) % count,
        NUMBERS: rng.normal(5, 3, examples).astype(np.float32),
        LABEL_SETS: rng.integers(0, 2, (examples, count)).astype(np.uint8),
        TOKENS: rng.integers(0, count, (examples, LENGTH)),
    }[kind]
    labels = LABELS[:count] if kind != NUMBERS else ()
    task = TASKS[name].build(TaskRecipe(), TASKS[name].fit_targets(raw, labels))
    targets = torch.from_numpy(task.prepare_targets(raw))
    outputs = torch.from_numpy(rng.normal(size=_shape(task, examples)).astype(np.float32))
    return task, outputs, Batch({"inputs": torch.zeros(examples, 2), "targets": targets})


def _shape(task: Task, examples: int) -> tuple[int, ...]:
    """Shape of the outputs for a batch."""
    return (examples, LENGTH, task.outputs) if task.per_position else (examples, task.outputs)


@pytest.fixture(params=list(TASKS))
def case(request):
    return make(request.param)


def test_the_loss_is_the_mean_of_the_examples_losses(case) -> None:
    task, outputs, batch = case
    parts = task.losses(outputs, batch)
    assert all(part.shape == ((EXAMPLES, LENGTH) if task.per_position else (EXAMPLES,)) for part in parts.values())
    assert set(task.part_weights) in (set(), set(parts))
    assert task.example_loss(outputs, batch).shape == (EXAMPLES,)
    assert task.loss(outputs, batch).item() == pytest.approx(task.example_loss(outputs, batch).mean().item(), rel=1e-5)
    assert task.loss(outputs, batch).ndim == 0


def test_weights_weigh_and_an_example_of_weight_zero_does_not_count(case) -> None:
    task, outputs, batch = case
    weighted = batch.replace(weights=torch.tensor([2.0, 0.0] * (EXAMPLES // 2)))
    half = Batch({name: batch[name][::2] for name in batch.names()})
    assert task.loss(outputs, weighted).item() == pytest.approx(task.loss(outputs[::2], half).item(), rel=1e-5)
    counted = EXAMPLES * (LENGTH if task.per_position else 1)
    assert task.weight(weighted) == counted and task.weight(batch) == counted


def test_outputs_may_be_a_tuple_or_named(case) -> None:
    task, outputs, batch = case
    for structured in ((outputs, torch.zeros(1)), {"logits": outputs, "more": torch.zeros(1)}):
        assert torch.equal(task.loss(structured, batch), task.loss(outputs, batch))
        assert torch.equal(task.example_loss(structured, batch), task.example_loss(outputs, batch))
        np.testing.assert_array_equal(task.predict(structured).values, task.predict(outputs).values)
        one, other = task.tally(), task.tally()
        one.add(structured, batch)
        other.add(outputs, batch)
        assert one.scores() == other.scores()


def test_the_loss_as_a_pure_function_is_the_loss(case) -> None:
    task, outputs, batch = case
    found = task.functional_loss(outputs, batch.targets, {})
    torch.testing.assert_close(found, task.loss(outputs, batch))
    if task.takes_stacks:
        stacked = task.functional_loss(torch.stack([outputs, -outputs]), batch.targets, {})
        torch.testing.assert_close(stacked, torch.stack([task.loss(outputs, batch), task.loss(-outputs, batch)]))


def test_stacked_outputs_are_counted_as_each_network_s(case) -> None:
    task, outputs, batch = case
    together, alone = [task.tally(), task.tally()], [task.tally(), task.tally()]
    task.add_stacked(together, torch.stack([outputs, -outputs]), batch=batch)
    for tally, one in zip(alone, (outputs, -outputs), strict=True):
        tally.add(one, batch)
    assert [tally.scores() for tally in together] == [tally.scores() for tally in alone]


@pytest.mark.parametrize("name", list(TASKS))
@given(data=st.data())
def test_tallies_of_parts_merge_into_the_tally_of_the_whole(name, data) -> None:
    task, outputs, batch = make(name, seed=data.draw(st.integers(0, 5)))
    whole = task.tally()
    whole.add(outputs, batch)
    owner = torch.tensor(data.draw(st.lists(st.integers(0, 3), min_size=EXAMPLES, max_size=EXAMPLES)))
    parts = []
    for process in range(4):  # a process may have no example at all
        parts.append(task.tally())
        rows = (owner == process).nonzero()[:, 0]
        for piece in rows.split(data.draw(st.integers(1, 9))):
            if len(piece):
                parts[-1].add(outputs[piece], Batch({key: batch[key][piece] for key in batch.names()}))
    first, *others = data.draw(st.permutations(parts))
    for other in others:
        first.merge(pickle.loads(pickle.dumps(other)))
    assert first.scores() == pytest.approx(whole.scores(), rel=1e-9)


def test_the_main_score_is_among_the_scores_and_finite(case) -> None:
    task, outputs, batch = case
    tally = task.tally()
    tally.add(outputs, batch)
    scores = tally.scores()
    assert math.isfinite(scores[task.main_score])
    assert all(isinstance(value, float) for value in scores.values())


def test_a_perfect_prediction_scores_one_and_is_known(case) -> None:
    task, _, batch = case
    outputs = _perfect(task, batch.targets)
    tally = task.tally()
    tally.add(outputs, batch)
    best = 0.0 if task.main_score.startswith("neg_") else 1.0
    assert tally.scores()[task.main_score] == pytest.approx(best, abs=1e-6 if best else 1e-3)
    assert task.known_fraction(outputs, batch) == pytest.approx(1.0)


def _perfect(task: Task, targets: torch.Tensor) -> torch.Tensor:
    """Outputs that gradient descent finds on the targets alone."""
    outputs = torch.zeros(_shape(task, len(targets)), requires_grad=True)
    adam = torch.optim.Adam([outputs], lr=0.3)
    batch = Batch({"inputs": torch.zeros(len(targets)), "targets": targets})
    for _ in range(600):
        adam.zero_grad()
        task.loss(outputs, batch).backward()
        adam.step()
    return outputs.detach()


def test_chance_is_the_loss_of_the_best_constant(case) -> None:
    task, _, batch = case
    chance = task.chance_loss(batch.targets.numpy())
    for _ in range(50):
        constant = torch.randn(task.outputs).expand(_shape(task, EXAMPLES))
        assert task.loss(constant, batch).item() >= chance - 1e-6
    usual, gross = task.initial_loss_limits
    assert 1 < usual < gross


def test_predictions_have_one_row_per_example(case) -> None:
    task, outputs, _ = case
    found = task.predict(outputs)
    assert len(found.values) == EXAMPLES and isinstance(found.values, np.ndarray)
    if task.has_classes:
        assert found.confidence.shape == (EXAMPLES,)
        assert found.probabilities.sum(axis=1) == pytest.approx(1.0)


def test_an_average_of_one_is_itself_and_probabilities_are_averaged(case) -> None:
    task, outputs, _ = case
    np.testing.assert_array_equal(task.predict(task.average([outputs])).values, task.predict(outputs).values)
    other = torch.from_numpy(np.random.default_rng(1).normal(size=outputs.shape).astype(np.float32))
    found, parts = task.predict(task.average([outputs, other])), [task.predict(outputs), task.predict(other)]
    if task.is_numeric:
        np.testing.assert_allclose(found.values, (parts[0].values + parts[1].values) / 2, rtol=1e-5)
    elif (
        not task.per_position and task.outputs <= task.count and task.name != "one_vs_one"
    ):  # votes are not probabilities
        mean = (parts[0].probabilities + parts[1].probabilities) / 2
        np.testing.assert_allclose(found.probabilities, mean, atol=1e-5)


def test_values_and_words_say_the_target(case) -> None:
    task, outputs, batch = case
    raw = task.restore_targets(batch.targets.numpy())
    for target in (*raw[:4], *task.predict(outputs).values[:4]):
        value = task.value(target)
        assert json.loads(json.dumps(value)) == value
        assert isinstance(task.words(target), str) and task.words(target)
        if task.has_classes:
            assert value in LABELS and task.words(target) == value


def test_targets_go_there_and_back(case) -> None:
    task, _, batch = case
    again = task.prepare_targets(task.restore_targets(batch.targets.numpy()))
    np.testing.assert_allclose(again, batch.targets.numpy(), atol=1e-5)
    assert task.target_columns(batch.targets).shape[0] == EXAMPLES


def test_it_can_be_built_again_from_what_it_knows_of_the_targets(case) -> None:
    task, outputs, batch = case
    stored = TargetFacts.from_json(json.loads(json.dumps(task.targets.to_json())))
    again = TASKS[task.name].build(TaskRecipe(), stored)
    assert torch.equal(again.loss(outputs, batch), task.loss(outputs, batch))
    assert (again.labels, again.count, again.outputs) == (task.labels, task.count, task.outputs)


def test_evidence_and_baselines_are_plain_values(case) -> None:
    task, outputs, batch = case
    tally = task.tally()
    tally.add(outputs, batch)
    evidence = {name: dict(values) for name, values in task.evidence(tally).items()}
    assert (evidence or task.per_position) and json.loads(json.dumps(evidence)) == evidence
    inputs = np.random.default_rng(0).normal(size=(EXAMPLES, 2)).astype(np.float32)
    split = (batch.targets.numpy() if task.per_position else inputs, batch.targets.numpy())
    rows = task.baselines(split, split)
    assert rows and all(task.main_score in scores for _, scores in rows)


def test_a_network_that_is_there_gets_its_task(case) -> None:
    task, outputs, batch = case
    found = TASKS[task.name].for_network(TaskRecipe(), task.outputs, targets=batch.targets)
    assert found.outputs == task.outputs and found.count == task.count
    assert torch.equal(found.loss(outputs, batch), task.loss(outputs, batch))


def test_its_settings_are_settings_of_the_recipe(case) -> None:
    assert all(hasattr(TaskRecipe(), name) for name in case[0].settings)
    assert copy.deepcopy(case[0]).name == case[0].name


def test_the_usual_task_comes_first() -> None:
    assert suitable(CLASSES, 2) == ("binary", "classify")
    assert suitable(CLASSES, 3) == ("classify", "one_vs_rest", "one_vs_one")
    assert suitable(NUMBERS, 4) == ("regress",)
    assert suitable(LABEL_SETS, 2) == ("multilabel",)
    assert suitable("scents", 2) == ()


def test_a_task_asks_for_targets_of_its_type() -> None:
    assert [target_type_for(name) for name in TASKS] == [task.target_type for task in TASKS.values()]
    with pytest.raises(UnknownNameError, match="Did you mean|did you mean"):
        target_type_for("clasify")


@pytest.mark.parametrize(
    ("targets", "outputs", "name"),
    [
        (torch.tensor([0, 1]), 1, "binary"),
        (torch.tensor([0, 1]), 2, "classify"),
        (torch.tensor([0, 1]), 7, "classify"),
        (torch.tensor([0.5, 1]), 1, "regress"),
        (torch.tensor([[0, 1], [1, 1]]), 2, "multilabel"),
    ],
)
def test_batches_tell_their_task(targets, outputs, name) -> None:
    assert suitable_for_network(targets, outputs) == name


def test_each_criterion_has_one_task() -> None:
    taken = [criterion for task in TASKS.values() for criterion in task.criteria]
    assert sorted(taken) == sorted(set(taken))
    assert {task_of_criterion(criterion) for criterion in taken} <= set(TASKS.values())
    assert task_of_criterion("something else") is None


def test_a_setting_that_a_task_does_not_read_is_a_mistake() -> None:
    assert list(unread_settings(TaskRecipe(name="classify", label_smoothing=0.1))) == []
    (said,) = unread_settings(TaskRecipe(name="binary", label_smoothing=0.1))
    assert "task.label_smoothing must be 0 for the task 'binary', got 0.1" in said and "classify" in said
