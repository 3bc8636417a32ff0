"""Features learned without labels (curriculum A20)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import trainwell as tw
from trainwell.assemble.build import build_parts
from trainwell.assemble.plan import gather, plan
from trainwell.assemble.pretrain import labelled, pretrain
from trainwell.recipe import unflatten

FEW = {"transfer.labelled": 0.05, "transfer.pretrain": "denoising", "transfer.pretrain_epochs": 3}


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 1.0])
def test_every_class_keeps_its_share_of_labels(share) -> None:
    made = plan(gather("digits", {}))
    rows = labelled(made.examples, made.splits.train, unflatten({"transfer.labelled": share}))
    counts = np.bincount(made.examples.targets[rows])
    every = np.bincount(made.examples.targets[made.splits.train])
    assert set(rows) <= set(made.splits.train)
    assert (counts == np.maximum(1, np.round(share * every))).all()


@pytest.mark.parametrize("kind", ["autoencoder", "denoising"])
def test_inputs_are_restored_better_and_the_head_is_left_alone(kind) -> None:
    parts = build_parts(plan(gather("digits", FEW | {"transfer.pretrain": kind})))
    assert parts.inputs is not None
    head = parts.model.head
    before = head.weight.clone()
    losses = pretrain(parts.model, parts.inputs, parts.recipe, device=torch.device("cpu"), check=lambda: None)
    assert losses[-1] < 0.9 * losses[0]
    assert parts.model.head is head
    assert torch.equal(head.weight, before)


def test_all_inputs_are_used_but_few_labels_and_the_run_is_a_function_of_the_seed(tmp_path) -> None:
    first, second = (tw.fit("digits", edits=FEW, epochs=2, runs=tmp_path) for _ in range(2))
    assert first.facts.sizes["train"] < 70
    assert [event.detail["losses"] for event in first.events() if event.kind == "pretrain"][0][-1] < 1
    assert first.scores == second.scores
