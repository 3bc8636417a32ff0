from __future__ import annotations

import gc
import math
from typing import Any

import pytest
import torch
from torch import nn

from trainwell.monitor import Record
from trainwell.monitor.autograd.graph import Reading
from trainwell.monitor.trainings.training import Loose, Track, gradient_size, knows_modes, parameters_of, untouched


@pytest.fixture
def track(school: Any) -> Track:
    lesson = school()
    made = Track([lesson.optimizer], Record(None, print).of_training(), budget=1.0, hooks=True)
    made.start(lesson.model, step=0)
    made.lesson = lesson  # type: ignore[attr-defined]  # keeps the optimizer alive
    yield made
    made.watch.stop()


def test_chance_is_the_entropy_of_the_classes_seen(track: Track) -> None:
    targets = torch.tensor([0] * 300 + [1] * 100)
    track.learn(Reading("classes", torch.zeros(400, 2), targets, is_mean=True))
    facts = track.facts(source="train.py", steps=7)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert facts.chance_loss == pytest.approx(entropy, abs=0.01)
    assert (facts.task, facts.class_counts, facts.batch_size) == ("classify", (300, 100), 400)
    assert (facts.source, facts.steps, facts.model, facts.optimizer) == ("train.py", 7, "Sequential", "SGD")
    assert facts.parameters == 8 * 16 + 16 + 16 * 3 + 3


def test_chance_of_numbers_is_their_variance(track: Track) -> None:
    targets = torch.arange(300.0)
    track.learn(Reading("numbers", torch.zeros(300), targets, is_mean=True, squared=True))
    assert track.facts(source="").chance_loss == pytest.approx(float(targets.var(correction=0)), rel=1e-4)


@pytest.mark.parametrize(
    "reading",
    [
        Reading("classes", torch.zeros(40, 2), torch.zeros(40, dtype=torch.long), is_mean=True),
        Reading("classes", torch.zeros(400, 2), torch.zeros(400, dtype=torch.long), is_mean=False),
        Reading("numbers", torch.zeros(400), torch.arange(400.0), is_mean=True, squared=False),
        Reading("logits", torch.zeros(400), torch.linspace(0, 1, 400), is_mean=True),
    ],
    ids=["too few", "not a mean", "not a square", "soft targets"],
)
def test_chance_is_unknown(track: Track, reading: Reading) -> None:
    track.learn(reading)
    assert track.facts(source="").chance_loss is None


def test_order_of_the_classes(track: Track) -> None:
    mixed = torch.arange(64) % 4
    told = track.learn(Reading("classes", torch.zeros(64, 4), mixed))
    assert told["target/same_fraction"] == pytest.approx(0.25, abs=0.02)
    told = track.learn(Reading("classes", torch.zeros(64, 4), torch.full((64,), 3)))
    assert told["target/same_fraction"] == 1.0
    assert told["target/expected_same_fraction"] < 0.5
    assert track.learn(Reading("classes", torch.zeros(8, 4, 4), torch.zeros(8, 4, dtype=torch.long))) == {}


def test_the_graph_is_not_kept_alive(track: Track) -> None:
    prediction = torch.ones(4, requires_grad=True) * 2
    track.learn(Reading("numbers", prediction, torch.zeros(4)))
    assert track.reading.prediction is None
    assert track.reading.target is None


def test_a_dead_optimizer_is_gone(school: Any) -> None:
    lesson = school()
    track = Track([lesson.optimizer], Record(None, print).of_training(), budget=1.0, hooks=True)
    assert track.rate() == 0.1
    assert len(track.led()) == 4
    del lesson
    gc.collect()
    assert track.alive() == []
    assert track.led() == []
    assert math.isnan(track.rate())


def test_a_retired_training_keeps_nothing(track: Track) -> None:
    from torch.nn.modules import module

    assert module._global_forward_hooks
    track.retire()
    assert track.model is None
    assert not module._global_forward_hooks
    assert track.facts(source="").model == "Sequential"


def test_compiled_networks_get_no_hooks(school: Any) -> None:
    from torch.nn.modules import module

    lesson = school()
    track = Track([lesson.optimizer], Record(None, print).of_training(), budget=1.0, hooks=False)
    track.start(lesson.model, step=0)
    assert not module._global_forward_hooks
    assert not module._global_forward_pre_hooks
    track.watch.stop()


def test_size_of_gradients() -> None:
    a, b, c = (nn.Parameter(torch.zeros(2)) for _ in range(3))
    assert gradient_size([a, b, c]) == 0.0
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert gradient_size([a, b, c]) == 5.0


@pytest.mark.parametrize(
    ("model", "knows"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)), True),
        (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0)), False),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), True),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4).requires_grad_(False)), False),
        (nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), False),
        (nn.GRU(4, 4, num_layers=2, dropout=0.1), True),
        (nn.Sequential(nn.Linear(40, 40).requires_grad_(False), nn.Dropout(0.5), nn.Linear(40, 2)), False),
    ],
)
def test_modes_matter(model: nn.Module, knows: bool) -> None:
    assert knows_modes(model, {id(p) for p in model.parameters()}) is knows


def test_untouched_layers() -> None:
    torch.manual_seed(0)
    conv, loaded = nn.Conv2d(8, 16, 3).requires_grad_(False), nn.Linear(64, 64).requires_grad_(False)
    assert untouched(conv)
    nn.init.normal_(loaded.weight, std=0.02)
    assert not untouched(loaded)
    assert not untouched(nn.Embedding(64, 64).requires_grad_(False))


def test_loose_parameters_have_names() -> None:
    weight = torch.zeros(3, requires_grad=True)
    loose = Loose({"weight": weight})
    assert [name for name, _ in loose.named_parameters()] == ["weight"]
    assert list(loose.parameters())[0] is weight
    assert parameters_of(torch.optim.SGD([weight], lr=0.1))[0] is weight
