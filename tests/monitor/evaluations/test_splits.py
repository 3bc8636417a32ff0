from __future__ import annotations

import pytest
import torch

from trainwell.monitor.evaluations.splits import (
    ColumnStatistics,
    EvaluatedExamples,
    TrainingExamples,
    row_hashes,
    shift_signals,
)


@pytest.fixture
def rows() -> torch.Tensor:
    return torch.randn(400, 6, generator=torch.Generator().manual_seed(0))


def _trained(rows: torch.Tensor, target: torch.Tensor | None = None) -> TrainingExamples:
    train = TrainingExamples()
    for _ in range(2):
        for step in range(0, 300, 50):
            batch = slice(step, step + 50)
            train.add(rows[batch], None if target is None else target[batch], step=step // 50)
    return train


def test_hashes_do_not_depend_on_the_batch(rows: torch.Tensor) -> None:
    one_by_one = [mark for row in rows.double() for mark in row_hashes(row[None])]
    assert one_by_one == row_hashes(rows.double())
    assert len(set(one_by_one)) == 400


@pytest.mark.parametrize(("first", "last", "share"), [(300, 400, 0.0), (250, 400, 1 / 3), (200, 300, None)])
def test_share_of_an_evaluation_that_was_trained_on(
    rows: torch.Tensor, first: int, last: int, share: float | None
) -> None:
    examples = EvaluatedExamples()
    examples.add(rows[first:last])
    assert examples.seen_in(_trained(rows)) == (None if share is None else pytest.approx(share, abs=0.02))
    assert examples.is_training_data == (share is None)


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("epochs", [1, 2, 8])
def test_an_evaluation_on_training_data_is_known_where_gradients_are_accumulated(
    rows: torch.Tensor, shuffled: bool, epochs: int
) -> None:
    """Only the last of four batches of each step is taken, without shuffling always the same."""
    train, step, generator = TrainingExamples(), 0, torch.Generator().manual_seed(1)
    for _ in range(epochs):
        order = torch.randperm(320, generator=generator) if shuffled else torch.arange(320)
        for last in order.split(10)[3::4]:
            train.add(rows[last], None, step=step, passes=4.0)
            step += 1
    examples, held = EvaluatedExamples(), EvaluatedExamples()
    examples.add(rows[:320])
    held.add(rows[320:])
    assert examples.seen_in(train) is None and examples.is_training_data
    assert held.seen_in(train) == 0.0


def test_an_evaluation_that_is_new_each_time_is_not_judged(rows: torch.Tensor) -> None:
    """A policy is asked about new states, and then trained on them."""
    examples = EvaluatedExamples()
    examples.add(rows[200:300])
    assert examples.seen_in(_trained(rows[:250])) is not None
    examples.close()
    examples.add(rows[300:400])
    assert examples.seen_in(_trained(rows[:250])) is None


def test_examples_that_repeat_by_nature_are_not_judged(rows: torch.Tensor) -> None:
    examples = EvaluatedExamples()
    examples.add(rows[250:400].round().clamp(-1, 1)[:, :2])
    assert examples.seen_in(_trained(rows.round().clamp(-1, 1)[:, :2])) is None


def test_targets_that_belong_to_their_inputs_and_targets_that_do_not(rows: torch.Tensor) -> None:
    target = (rows[:, 0] > 0).long()
    assert _trained(rows, target).target_relation()["target/relation"] > 10
    mixed = target[torch.randperm(400, generator=torch.Generator().manual_seed(1))]
    assert abs(_trained(rows, mixed).target_relation()["target/relation"]) < 3


def test_a_column_that_is_the_target(rows: torch.Tensor) -> None:
    assert _trained(rows, 3 * rows[:, 2] + 1).target_relation()["target/correlation"] == pytest.approx(1.0, abs=1e-4)
    assert _trained(rows, rows.sum(1)).target_relation()["target/correlation"] < 0.9


def test_shift_is_measured_in_deviations(rows: torch.Tensor) -> None:
    train, same, moved = ColumnStatistics(), ColumnStatistics(), ColumnStatistics()
    train.add(rows[:200].double())
    same.add(rows[200:].double())
    moved.add(3 * rows[200:].double() + torch.tensor([9.0, 0, 0, 0, 0, 0]))
    assert shift_signals(train, same)["moved_columns_fraction"] == 0.0
    assert shift_signals(train, same)["std_ratio"] == pytest.approx(1.0, abs=0.1)
    assert shift_signals(train, moved)["moved_columns_fraction"] == pytest.approx(1 / 6)
    assert shift_signals(train, moved)["std_ratio"] < 0.5
    assert shift_signals(train, ColumnStatistics()) == {}


def test_one_factor_for_all_columns_is_told_from_one_for_each() -> None:
    train, narrowed, uneven = ColumnStatistics(), ColumnStatistics(), ColumnStatistics()
    rows = torch.randn(600, 12, generator=torch.Generator().manual_seed(0)).double()
    train.add(rows[:400])
    narrowed.add(0.4 * rows[400:])
    uneven.add(torch.linspace(0.2, 1.2, 12) * rows[400:])
    assert shift_signals(train, narrowed)["std_ratio_scatter"] < 0.2
    assert shift_signals(train, uneven)["std_ratio_scatter"] > 0.5


def test_examples_that_come_again_make_nothing_surer(rows: torch.Tensor) -> None:
    once, often = TrainingExamples(), TrainingExamples()
    once.add(rows[:60], None, step=0)
    for step in range(20):
        often.add(rows[:60], None, step=step)
    assert once.columns.count == often.columns.count == 60
    assert torch.equal(once.columns.mean, often.columns.mean)
