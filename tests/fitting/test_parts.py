from __future__ import annotations

import dataclasses

import torch
from torch import nn

from trainwell.fitting.build import build_parts
from trainwell.fitting.loaders import loader_parts
from trainwell.fitting.plan import gather, plan


def test_a_built_run_knows_its_plan_its_batches_and_that_nothing_is_transferred() -> None:
    parts = build_parts(plan(gather("iris", {})))
    assert parts.data.plan is not None and parts.data.preparation is not None
    assert parts.data.input_facts == parts.data.preparation.facts
    assert set(parts.data.splits) == {"train", "validation", "test"} and len(parts.data.train) > 0
    assert parts.data.inputs is None
    assert parts.transfer.origin is None and parts.transfer.freezing is None and not parts.transfer.new


def test_batches_of_the_user_have_no_plan() -> None:
    parts = loader_parts({"train": [(torch.randn(12, 4), torch.arange(12) % 3)]}, nn.Linear(4, 3), settings={})
    assert parts.data.plan is None and parts.data.preparation is None and parts.data.sample is None


def test_one_part_can_be_replaced() -> None:
    parts = build_parts(plan(gather("iris", {})))
    other = dataclasses.replace(parts, model=nn.Identity())
    assert other.data is parts.data and other.model is not parts.model
