from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.monitor import Record
from trainwell.monitor.autograd.loss import read_loss
from trainwell.monitor.autograd.reading import LossReading
from trainwell.monitor.trainings.observations import ModuleCall, Observations
from trainwell.monitor.trainings.optimizers import KnownOptimizers, OptimizerGroup
from trainwell.monitor.trainings.sample import take_sample
from trainwell.monitor.trainings.training import Training


class Scene:
    """One step of a training, as a session would have seen it."""

    def __init__(self, lesson: Any, *, backward: bool = True) -> None:
        self.lesson = lesson
        record = Record(None, print)
        self.optimizers = KnownOptimizers()
        self.optimizers.add(lesson.optimizer)
        group = OptimizerGroup([lesson.optimizer])
        self.training = Training(group, record.new_training(), budget=1.0, allows_hooks=False)
        self.observations = Observations()
        self.observations.calls[lesson.model] = ModuleCall(True, lesson.model.training, (lesson.inputs,))
        self.observations.called = set(lesson.model.modules())
        loss = lesson.loss()
        self.observations.add_loss(loss, read_loss(loss))
        if backward:
            loss.backward()

    def sample(self, step: int = 0) -> Any:
        return take_sample(self.observations, self.training, step=step, optimizers=self.optimizers, is_alone=True)

    def values(self, prefix: str) -> dict[str, float]:
        return {name: series.last for name, series in self.training.series.signals.under(prefix).items()}


def test_the_moment_holds_what_the_probes_need(school: Any) -> None:
    scene = Scene(school())
    moment = scene.sample(step=5)
    assert (moment.step, moment.model, moment.optimizer) == (5, scene.lesson.model, scene.lesson.optimizer)
    assert moment.batch.inputs is scene.lesson.inputs
    assert moment.outputs.shape == (32, 3)
    assert not moment.outputs.requires_grad
    assert moment.batch.targets.shape == (32,)
    assert moment.loss.item() > 0


def test_without_a_loss_there_is_no_moment(school: Any) -> None:
    scene = Scene(school())
    scene.observations.losses.clear()
    assert scene.sample() is None
    assert scene.training.series.signals["learning_rate"].values == [pytest.approx(0.1)]


def test_what_no_optimizer_holds_is_noted(school: Any) -> None:
    lesson = school()
    lesson.optimizer = torch.optim.SGD(lesson.model[2].parameters(), lr=0.1)
    scene = Scene(lesson)
    scene.sample()
    found = scene.values("code/parameters_not_in_optimizer")
    assert list(found) == ["0.weight", "0.bias"]
    assert found["0.weight"] == pytest.approx(128 / 195)


class Encoder(nn.Module):
    """A network beside the one that is trained, which learns too if somebody lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)


@pytest.mark.parametrize(("mode", "loaded", "noted"), [(True, False, True), (False, False, False), (True, True, False)])
def test_a_whole_network_that_no_optimizer_holds_is_noted(school: Any, mode: bool, loaded: bool, noted: bool) -> None:
    lesson, encoder = school(), Encoder().train(mode)
    lesson.inputs = encoder.layer(lesson.inputs)
    scene = Scene(lesson)
    scene.observations.calls = {encoder: ModuleCall(True, mode, ()), **scene.observations.calls}
    if loaded:
        scene.observations.modules.loaded.add(encoder)
    scene.sample()
    found = [name.rpartition("encoder.")[2] for name in scene.values("code/parameters_not_in_optimizer")]
    assert found == (["layer.weight", "layer.bias"] if noted else [])


def test_the_network_meant_is_the_one_called_with_gradients(school: Any) -> None:
    lesson, pupil = school(), school().model
    scene = Scene(lesson, backward=False)
    scene.observations.calls = {pupil: ModuleCall(True, True, ()), lesson.model: ModuleCall(False, True, ())}
    pupil(lesson.inputs).sum().backward()
    scene.sample()
    assert scene.training.network.model is pupil
    assert scene.values("code")["stale_fraction"] == 1.0


def test_what_receives_no_gradient_is_noted(school: Any) -> None:
    scene = Scene(school())
    scene.lesson.model[0].zero_grad()
    scene.sample()
    assert list(scene.values("code/gradient_missing")) == ["0.weight", "0.bias"]
    scene.observations.add_loss(scene.lesson.loss(), LossReading())
    scene.lesson.loss().backward()
    scene.sample(step=1)
    assert set(scene.values("code/gradient_missing").values()) == {0.0}


def test_layers_that_did_not_run_need_no_gradient(school: Any) -> None:
    scene = Scene(school())
    scene.lesson.model[0].zero_grad()
    scene.observations.called.discard(scene.lesson.model[0])
    scene.sample()
    assert scene.values("code/gradient_missing") == {}


def test_an_optimizer_of_another_network_is_noted(school: Any) -> None:
    lesson = school()
    lesson.model, old = school().model, lesson.model
    scene = Scene(lesson)
    scene.sample()
    assert scene.values("code")["stale_fraction"] == 1.0
    assert old is not scene.training.network.model


def test_loaded_and_frozen_layers_are_noted() -> None:
    torch.manual_seed(0)

    class Lesson:
        model = nn.Sequential(nn.Linear(32, 32).requires_grad_(False), nn.ReLU(), nn.Linear(32, 3))
        optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)
        inputs = torch.randn(16, 32)

        def loss(self) -> torch.Tensor:
            return F.cross_entropy(self.model(self.inputs), torch.zeros(16, dtype=torch.long))

    scene = Scene(Lesson())
    scene.sample()
    assert list(scene.values("code/frozen_untrained")) == ["0"]
    assert "weights_loaded" not in scene.values("code")
    scene = Scene(Lesson())
    scene.observations.modules.loaded.update(Lesson.model.modules())
    scene.sample()
    assert list(scene.values("code/frozen_untrained")) == []
    assert scene.values("code")["weights_loaded"] == 1.0


def test_layers_in_a_plain_list_are_noted() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.head = [nn.Linear(4, 4)], nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.layers[0](x))

    class Lesson:
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        inputs = torch.randn(16, 4)

        def loss(self) -> torch.Tensor:
            return F.cross_entropy(self.model(self.inputs), torch.zeros(16, dtype=torch.long))

    scene = Scene(Lesson())
    scene.observations.called.add(Lesson.model.layers[0])
    scene.sample()
    assert set(scene.values("code/parameters_not_in_optimizer")) == {"layers.0.weight", "layers.0.bias"}


def test_what_never_ran_is_left_out(school: Any) -> None:
    scene = Scene(school())
    scene.lesson.model.append(nn.Linear(3, 3))
    scene.sample()
    assert scene.training.series.unused == {"3.weight", "3.bias"}


def test_the_share_of_a_penalty(school: Any) -> None:
    lesson = school()
    plain = lesson.loss()
    penalty = 5 * sum(p.square().sum() for p in lesson.model.parameters())
    scene = Scene(lesson)
    whole = plain + penalty
    scene.observations.add_loss(whole, read_loss(whole))
    scene.sample()
    assert scene.values("code")["penalty_fraction"] == pytest.approx((penalty / whole).item(), rel=1e-4)
    assert scene.values("code")["data_loss"] == pytest.approx(plain.item(), rel=1e-4)


@pytest.mark.parametrize(("momentum", "batches", "named"), [(0.0, 12, {"1"}), (0.1, 12, set()), (0.0, 4, set())])
def test_statistics_that_are_never_gathered(school: Any, momentum: float, batches: int, named: set[str]) -> None:
    lesson = school()
    lesson.model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16, momentum=momentum), nn.Linear(16, 3))
    lesson.optimizer = torch.optim.SGD(lesson.model.parameters(), lr=0.1)
    lesson.train(batches)
    scene = Scene(lesson)
    scene.sample(batches)
    assert set(scene.values("code/statistics_unchanged")) == named
