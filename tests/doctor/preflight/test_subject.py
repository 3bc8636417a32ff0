"""Copies, ten good examples, and short trainings."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.core.finding import Finding, Severity
from trainwell.doctor.preflight.subject import Check, CheckResult
from trainwell.nn import ClassicDropout, DropConnect


def test_the_ten_examples_differ_and_cover_the_classes(subject) -> None:
    few = subject(source="digits").few
    assert len(few) == 10 and sorted(few.targets.tolist()) == list(range(10))
    same = subject(source=(torch.ones(50, 6), torch.arange(50) % 3)).few
    assert len(same) == 1


def test_large_inputs_are_not_all_read(subject) -> None:
    images = torch.zeros(600, 3, 128, 128, dtype=torch.float32).normal_()
    one = subject(nn.Sequential(nn.Flatten(), nn.Linear(3 * 128 * 128, 3)), source=(images, torch.arange(600) % 3))
    assert 300 < len(one.seen) < 450 and len(next(one.batches())) == 32


@pytest.mark.parametrize("chance", [nn.Dropout(0.9), ClassicDropout(0.9), DropConnect(8, 8, p=0.9)], ids=type)
def test_copies_have_no_dropout_and_are_apart(subject, chance) -> None:
    model = nn.Sequential(nn.Linear(6, 8), chance, nn.Linear(8, 3))
    one = subject(model)
    copied = one.copy(training=True)
    assert copied.training and not copied[1].training and model[1].training
    assert copied[0].weight is not model[0].weight and torch.equal(copied[0].weight, model[0].weight)


def test_a_users_optimizer_is_copied_with_its_network(subject) -> None:
    model = nn.Linear(6, 3)
    own = torch.optim.SGD(model.parameters(), lr=0.5)
    copied, optimizer = subject(model, optimizer=own).pair()
    assert optimizer.param_groups[0]["params"][0] is copied.weight and optimizer.param_groups[0]["lr"] == 0.5


def test_ten_examples_are_learned_or_time_runs_out(subject) -> None:
    one = subject()
    assert one.learn_few(None, steps=200, seconds=5).known == 1
    late = one.learn_few(lambda model: torch.optim.SGD(model.parameters(), lr=1e-9), steps=20, seconds=0)
    assert late.known < 1 and not late.ended


def test_a_hint_is_no_failure_and_an_error_outranks_a_warning() -> None:
    def verdict(*severities: Severity) -> tuple[bool | None, str]:
        check = Check("name", "title", CheckResult(1.0, "0", tuple(Finding("r", s, "t") for s in severities)))
        return check.passed, check.verdict

    assert verdict() == (True, "ok")
    assert verdict(Severity.INFO) == (True, "info")
    assert verdict(Severity.WARNING, Severity.ERROR) == (False, "error")
    assert Check("name", "title", CheckResult(None, "")).passed is None


def test_optimizers_that_look_again_have_a_stand_in(subject) -> None:
    _, optimizer = subject(optim__name="lbfgs").pair()
    assert isinstance(optimizer, torch.optim.AdamW)
