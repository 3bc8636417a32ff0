"""Starting from a network that was trained before (docs/curriculum.md, P1, M4)."""

from __future__ import annotations

import json
import shutil
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.fitting.test_fit import Stop, weights

import trainwell as tw
from trainwell.core.errors import DamagedError, DataError, RecipeError, StorageError, UsageError
from trainwell.fitting.build import build_parts
from trainwell.fitting.plan import gather, plan
from trainwell.population.folds import make_folds

SMALL = {
    "nn.model": "resnet20", "nn.width": 4, "transfer.labelled": 0.1, "train.batch_size": 32, "optim.learning_rate": 0.02,
    "data.shift": 0, "data.flip": False, "train.patience": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tw.fit("digits", edits=SMALL, epochs=2, runs=tmp_path_factory.mktemp("runs"), name="base")


def start(base, **edits):
    return {"transfer.source": str(base.path), "transfer.labelled": 0.1, "train.patience": 0, **edits}


def test_everything_but_the_head_is_taken_over(base) -> None:
    made = plan(gather("digits", start(base)))
    parts = build_parts(made)
    source = base.model().state_dict()
    same = {name for name, tensor in parts.model.state_dict().items() if torch.equal(tensor, source[name])}
    assert set(source) - same == {"head.weight", "head.bias"}
    assert made.recipe.optim.learning_rate == pytest.approx(0.002)
    assert "a tenth" in made.reasons["optim.learning_rate"]
    assert made.recipe.nn.model == "resnet20"


def test_inputs_are_prepared_as_the_weights_expect(base, tmp_path) -> None:
    """M4: statistics come from the origin, not from the new data."""
    rng = np.random.default_rng(0)
    bright = rng.integers(200, 256, (60, 8, 8, 1), dtype=np.uint8)
    run = tw.fit((bright, np.arange(60) % 2), edits=start(base), epochs=1, runs=tmp_path)
    stored, origin = (json.loads((r.path / "model/preparation.json").read_text()) for r in (run, base))
    ours, theirs = stored["preparation"], origin["preparation"]
    assert (ours["mean"], ours["std"]) == (theirs["mean"], theirs["std"])
    assert stored["targets"]["labels"] != origin["targets"]["labels"]
    with pytest.raises(RecipeError, match=r"data\.prepare must be 'standardise' as in the run"):
        plan(gather("digits", start(base) | {"data.prepare": "none"}))


def test_frozen_features_do_not_move_and_the_head_learns_faster(base, tmp_path) -> None:
    run = tw.fit("digits", edits=start(base, **{"transfer.freeze": "features"}), epochs=2, runs=tmp_path)
    before, after = base.model().state_dict(), run.model().state_dict()
    assert [n for n in after if not torch.equal(before[n], after[n])] == ["head.weight", "head.bias"]
    assert run.facts.parameters == sum(p.numel() for p in run.model().head.parameters())
    assert not [
        f for f in run.findings if f.severity != "info" and f.rule not in ("underfitting", "learning_rate_too_low")
    ]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    edits = {"nn.hidden": (6,), "nn.dropout": 0.0, "nn.normalisation": "decorrelated"}
    return tw.fit("iris", edits=edits, epochs=2, runs=tmp_path_factory.mktemp("runs"), name="table")


@pytest.mark.parametrize(
    "edits",
    [
        {"optim.max_norm": 0.1},
        {"optim.l1": 0.1, "optim.penalise_biases": True},
        {"optim.name": "sgd", "optim.decoupled": True, "optim.weight_decay": 1.0, "optim.l2": 0.1},
        {"train.ema": 0.9, "train.clip_norm": 1e-3, "train.clip_value": 1e-4},
        *({"optim.name": name} for name in ("vsgd", "newton", "lbfgs", "kfac", "rprop", "asgd")),
    ],
    ids=str,
)
@pytest.mark.parametrize("every", [0, 3])
def test_what_is_frozen_stays_whatever_moves_the_rest(table, tmp_path, edits, every) -> None:
    """Nothing may reach a frozen layer: no penalty, limit or look at the curvature, nor its running statistics."""
    frozen = {"transfer.freeze": "features", "transfer.unfreeze_every": every, "train.batch_size": 40}
    run = tw.fit("iris", edits=start(table, **frozen, **edits), epochs=2, runs=tmp_path)
    before, after = table.model().state_dict(), run.model().state_dict()
    assert {n for n in after if not torch.equal(before[n], after[n])} == {"head.weight", "head.bias"}


@pytest.mark.parametrize("name", ["sgd", "vsgd", "newton", "lbfgs", "kfac"])
def test_layers_that_thaw_on_the_way_learn_with_every_optimizer(table, tmp_path, name) -> None:
    frozen = {"transfer.freeze": "features", "transfer.unfreeze_every": 1, "train.batch_size": 40, "data.validation": 0}
    run = tw.fit("iris", edits=start(table, **frozen, **{"optim.name": name}), epochs=3, runs=tmp_path)
    before, after = table.model().state_dict(), run.model().state_dict()
    assert not [n for n in after if n.endswith("weight") and torch.equal(before[n], after[n])]


def test_gradual_unfreezing_resumes_bit_for_bit(base, tmp_path) -> None:
    edits = start(base, **{"transfer.freeze": "-1", "transfer.unfreeze_every": 1, "train.epochs": 4})
    whole = tw.fit("digits", edits=edits, runs=tmp_path, name="whole")
    with pytest.raises(tw.TrainwellError):
        tw.fit("digits", edits=edits, runs=tmp_path, name="cut", display=Stop(10, signal.SIGTERM))
    resumed = tw.resume(tmp_path / "cut")
    assert weights(resumed) == weights(whole)
    moved = {n for n, t in resumed.model().state_dict().items() if not torch.equal(t, base.model().state_dict()[n])}
    assert not [name for name in moved if name.startswith(("conv", "norm", "stages.0", "stages.6"))]
    assert [name for name in moved if name.startswith("stages.8.body.conv2")]


def test_weights_that_changed_since_are_refused_on_resume(base, tmp_path) -> None:
    other = tmp_path / "other"
    shutil.copytree(base.path, other)
    edits = {**start(base), "transfer.source": str(other), "train.epochs": 3}
    with pytest.raises(tw.TrainwellError):
        tw.fit("digits", edits=edits, runs=tmp_path, name="cut", display=Stop(4, signal.SIGTERM))
    path = other / "model" / "weights.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)
    with pytest.raises(StorageError, match="have changed since the run"):
        tw.resume(tmp_path / "cut")


@pytest.mark.parametrize(
    ("data", "edits", "kind", "said"),
    [
        ("iris", {}, DataError, "Inputs must be images of shape"),
        ("digits", {"nn.width": 8}, UsageError, r"(?s)No weights were loaded.*name +expected +found"),
        ("digits", {"transfer.freeze": "stage.3.conv1"}, UsageError, "Did you mean 'stages"),
        ("digits", {"transfer.source": "nowhere"}, StorageError, "There is no run at nowhere"),
        ("digits", {"transfer.source": "", "transfer.freeze": "2"}, RecipeError, "randomly initialised layers must learn"),
    ],
)  # fmt: skip
def test_bad_requests_are_one_sentence(base, data, edits, kind, said) -> None:
    with pytest.raises(kind, match=said):
        build_parts(plan(gather(data, start(base) | edits)))


def test_only_the_first_layers_are_taken_over(base) -> None:
    parts = build_parts(plan(gather("digits", start(base, **{"transfer.layers": "stages.3"}))))
    source = base.model().state_dict()
    same = [name for name, tensor in parts.model.state_dict().items() if torch.equal(tensor, source[name])]
    assert "stages.3.body.norm2.running_mean" in same and "stages.3.body.conv2.weight" in same
    assert not [name for name in same if name.startswith(("stages.4", "stages.8")) and "conv" in name]
    assert {"stages.4.body.norm1.running_mean", "stages.4.body.conv1.weight", "head.bias"} <= parts.transfer.new
    with pytest.raises(UsageError, match=r"transfer\.layers must be at most 19"):
        build_parts(plan(gather("digits", start(base, **{"transfer.layers": "40"}))))


def test_corrupt_weights_are_one_sentence(base, tmp_path) -> None:
    other = tmp_path / "other"
    shutil.copytree(base.path, other)
    (other / "model" / "weights.safetensors").write_bytes(b"nonsense")
    with pytest.raises(DamagedError, match="Cannot read the weights file"):
        build_parts(plan(gather("digits", start(base) | {"transfer.source": str(other)})))


def test_a_search_says_that_it_trains_from_scratch(base) -> None:
    with pytest.raises(UsageError, match="from scratch"):
        make_folds(plan(gather("digits", start(base))))


def test_a_published_backbone_is_named_like_a_run(base) -> None:
    pytest.importorskip("timm")
    scratch = plan(gather("digits", {"nn.model": "resnet18"}))
    made = plan(gather("digits", {"transfer.source": "timm:resnet18", "transfer.freeze": "features"}))
    assert made.recipe.nn.model == "timm:resnet18"
    assert "a tenth" in made.reasons["optim.learning_rate"]
    assert made.recipe.optim.learning_rate == pytest.approx(scratch.recipe.optim.learning_rate / 10)
