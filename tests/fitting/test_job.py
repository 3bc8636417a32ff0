"""Everything that can refuse is built before a run is made on disk."""

from __future__ import annotations

import os
import signal

import pytest
import torch

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.fitting.build import build_parts
from trainwell.fitting.fit import Silent
from trainwell.fitting.job import build_rate, build_tools
from trainwell.fitting.plan import gather, plan
from trainwell.recipe import Recipe, edit


def parts(source="iris", **edits):
    return build_parts(plan(gather(source, {key.replace("__", "."): value for key, value in edits.items()})))


def test_tools_follow_the_recipe() -> None:
    tools = build_tools(parts(optim__name="sgd", train__ema=0.9, optim__learning_rate=0.5, optim__warmup=0.0))
    assert isinstance(tools.optimizer, torch.optim.SGD)
    assert tools.average is not None and tools.augment is None
    assert tools.rate(0) == 0.5
    assert build_tools(parts("digits", data__shift=1)).augment is not None


@pytest.mark.parametrize("edits", [{"data__shift": 1}, {"train__device": "cuda:9"}])
def test_what_does_not_fit_is_refused(edits) -> None:
    with pytest.raises(UsageError):
        build_tools(parts(**edits))


def test_a_frozen_network_is_refused() -> None:
    frozen = parts()
    frozen.model.requires_grad_(False)
    with pytest.raises(UsageError, match="at least one trainable parameter"):
        build_tools(frozen)


CHOICES = {
    "lbfgs": {"optim.name": "lbfgs"},
    "vsgd": {"optim.name": "vsgd"},
    "kfac": {"optim.name": "kfac"},
    "newton": {"optim.name": "saddle_free", "nn.hidden": (5,), "nn.activation": "tanh"},
    "rprop": {"optim.name": "rprop"},
    "norms": {"nn.normalisation": "batch", "nn.normalise": "after", "nn.dropconnect": 0.3, "optim.l1": 1e-3},
    "weight norm": {"nn.normalisation": "weight", "optim.decoupled": True, "optim.name": "adam", "optim.l2": 1e-3},
    "limits": {"optim.max_norm": 1.0, "train.clip_value": 0.1, "nn.dropout": 0.4, "nn.classic_dropout": True},
    "plateau": {"optim.schedule": "plateau", "optim.plateau_epochs": 1, "train.patience": 0},
    "decorrelated": {"nn.normalisation": "decorrelated", "nn.hidden": (8,), "train.micro_batch": 16},
}


@pytest.mark.parametrize("edits", CHOICES.values(), ids=list(CHOICES))
def test_every_choice_of_the_craft_resumes_bit_for_bit(tmp_path, edits) -> None:
    edits = {"train.epochs": 3, "train.batch_size": 40, "train.checkpoint_seconds": 0.0} | edits
    whole = tw.fit("iris", edits=edits, runs=tmp_path, name="whole")
    with pytest.raises(tw.TrainwellError):
        tw.fit("iris", edits=edits, runs=tmp_path, name="cut", display=Stop(4))
    resumed = tw.resume(tmp_path / "cut")
    ends = [dict(run.model().named_parameters()) for run in (whole, resumed)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    assert resumed.scores == whole.scores


class Stop(Silent):
    """Interrupts a run at a step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def step(self, step: int, epoch: int) -> None:
        if step == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


def test_max_norm_holds_after_training(tmp_path) -> None:
    run = tw.fit("iris", edits={"train.epochs": 2, "optim.max_norm": 0.5}, runs=tmp_path)
    weights = [p.detach() for p in run.model().parameters() if p.ndim > 1]
    assert max(weight.norm(dim=1).max().item() for weight in weights) <= 0.5 + 1e-6


def test_the_rate_follows_the_batch_only_where_asked() -> None:
    recipe = edit(Recipe(), {"optim.warmup": 0.0, "train.batch_size": 256})
    assert build_rate(recipe, 10)(0) == 1e-3
    assert build_rate(edit(recipe, {"optim.reference_batch": 64}), 10)(0) == pytest.approx(4e-3)
    half = edit(recipe, {"optim.reference_batch": 64, "optim.batch_scaling": "sqrt"})
    assert build_rate(half, 10)(0) == pytest.approx(2e-3)


def test_a_batch_that_is_too_large_to_rescale_for_is_said(tmp_path) -> None:
    edits = {"train.epochs": 1, "train.batch_size": 100, "optim.reference_batch": 2}
    run = tw.fit("iris", edits=edits, runs=tmp_path)
    said = [remark for event in run.events() if event.kind == "data" for remark in event.detail["remarks"]]
    assert any("batches of 2." in remark for remark in said) and any("range-test" in remark for remark in said)
