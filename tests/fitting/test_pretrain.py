"""Features learned without labels (docs/curriculum.md, A20)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import trainwell as tw
from trainwell.core.errors import Interrupted
from trainwell.fitting.build import build_parts
from trainwell.fitting.plan import gather, plan
from trainwell.fitting.pretrain import labelled, pretrain
from trainwell.recipe import unflatten
from trainwell.train import Interrupt

CPU = torch.device("cpu")
FEW = {"transfer.labelled": 0.05, "transfer.pretrain": "denoising", "transfer.pretrain_epochs": 3}


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5, 1.0])
def test_every_class_keeps_its_share_of_labels(share) -> None:
    made = plan(gather("digits", {}))
    rows = labelled(made.examples, made.splits.train, recipe=unflatten({"transfer.labelled": share}))
    counts = np.bincount(made.examples.targets[rows])
    every = np.bincount(made.examples.targets[made.splits.train])
    assert set(rows) <= set(made.splits.train)
    assert (counts == np.maximum(1, np.round(share * every))).all()


@pytest.mark.parametrize("kind", ["autoencoder", "denoising"])
def test_inputs_are_restored_better_and_the_head_is_left_alone(kind, tmp_path) -> None:
    parts = build_parts(plan(gather("digits", FEW | {"transfer.pretrain": kind})))
    assert parts.data.inputs is not None
    head = parts.model.head
    before = head.weight.clone()
    losses = pretrain(
        parts.model, parts.data.inputs, recipe=parts.recipe, folder=tmp_path / "f", device=CPU, check=lambda: None
    )
    assert losses[-1] < 0.9 * losses[0]
    assert parts.model.head is head
    assert torch.equal(head.weight, before)


def test_all_inputs_are_used_but_few_labels_and_the_run_is_a_function_of_the_seed(tmp_path) -> None:
    first, second = (tw.fit("digits", edits=FEW, epochs=2, runs=tmp_path) for _ in range(2))
    assert first.facts.sizes["train"] < 70
    assert [event.detail["losses"] for event in first.events() if event.kind == "pretrain"][0][-1] < 1
    assert first.scores == second.scores


@pytest.mark.parametrize("checks", [15, 95, 125])
def test_an_interruption_anywhere_before_the_labels_goes_on_exactly(checks, tmp_path, monkeypatch) -> None:
    """There are 40 checks an epoch: in the first, in the last, and while the labels are learned."""
    whole = tw.fit("digits", edits=FEW, epochs=2, runs=tmp_path, name="whole")
    real, count = Interrupt.check, 0

    def check(interrupt: Interrupt) -> None:
        nonlocal count
        count += 1
        if count == checks:
            raise Interrupted(2, "stopped by SIGINT")
        real(interrupt)

    monkeypatch.setattr(Interrupt, "check", check)
    with pytest.raises(Interrupted, match="resume with: trainwell fit --resume"):
        tw.fit("digits", edits=FEW, epochs=2, runs=tmp_path, name="broken")
    resumed = tw.resume(tmp_path / "broken")
    assert resumed.scores == whole.scores
    for name, tensor in whole.model().state_dict().items():
        assert torch.equal(tensor, resumed.model().state_dict()[name])
    assert not (tmp_path / "broken" / "pretraining").exists()
