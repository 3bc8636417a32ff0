from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from trainwell.monitor import Record
from trainwell.monitor.autograd.graph import Reading, read_loss
from trainwell.monitor.trainings.measure import Call, Sight, compose, enclosing, sample, unwrapped
from trainwell.monitor.trainings.training import Loose, Track
from trainwell.monitor.trainings.trainings import Trainings


class Scene:
    """One step of a training, as a session would have seen it."""

    def __init__(self, lesson: Any, *, backward: bool = True) -> None:
        self.lesson = lesson
        record = Record(None, print)
        self.trainings = Trainings(record, budget=1.0, source="", only=())
        self.trainings.meet(lesson.optimizer)
        self.track = Track([lesson.optimizer], record.of_training(), budget=1.0, hooks=False)
        self.sight = Sight(None)
        self.sight.calls[lesson.model] = Call(True, lesson.model.training, (lesson.inputs,))
        self.sight.called = set(lesson.model.modules())
        loss = lesson.loss()
        self.sight.take(loss, read_loss(loss))
        if backward:
            loss.backward()

    def sample(self, step: int = 0) -> Any:
        return sample(self.sight, self.track, step, trainings=self.trainings)

    def values(self, prefix: str) -> dict[str, float]:
        return {name: series.last for name, series in self.track.series.signals.under(prefix).items()}


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
    scene.sight.losses.clear()
    assert scene.sample() is None
    assert scene.values("rate") == {"learning_rate": pytest.approx(0.1)}


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
    scene.sight.calls = {encoder: Call(True, mode, ()), **scene.sight.calls}
    if loaded:
        scene.sight.loaded.add(encoder)
    scene.sample()
    found = [name.rpartition("encoder.")[2] for name in scene.values("code/parameters_not_in_optimizer")]
    assert found == (["layer.weight", "layer.bias"] if noted else [])


def test_the_network_meant_is_the_one_called_with_gradients(school: Any) -> None:
    lesson, pupil = school(), school().model
    scene = Scene(lesson, backward=False)
    scene.sight.calls = {pupil: Call(True, True, ()), lesson.model: Call(False, True, ())}
    pupil(lesson.inputs).sum().backward()
    scene.sample()
    assert scene.track.model is pupil
    assert scene.values("code")["stale_fraction"] == 1.0


def test_what_receives_no_gradient_is_noted(school: Any) -> None:
    scene = Scene(school())
    scene.lesson.model[0].zero_grad()
    scene.sample()
    assert list(scene.values("code/gradient_missing")) == ["0.weight", "0.bias"]
    scene.sight.take(scene.lesson.loss(), Reading())
    scene.lesson.loss().backward()
    scene.sample(step=1)
    assert set(scene.values("code/gradient_missing").values()) == {0.0}


def test_layers_that_did_not_run_need_no_gradient(school: Any) -> None:
    scene = Scene(school())
    scene.lesson.model[0].zero_grad()
    scene.sight.called.discard(scene.lesson.model[0])
    scene.sample()
    assert scene.values("code/gradient_missing") == {}


def test_an_optimizer_of_another_network_is_noted(school: Any) -> None:
    lesson = school()
    lesson.model, old = school().model, lesson.model
    scene = Scene(lesson)
    scene.sample()
    assert scene.values("code")["stale_fraction"] == 1.0
    assert old is not scene.track.model


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
    scene.sight.loaded.update(Lesson.model.modules())
    scene.sample()
    assert list(scene.values("code/frozen_untrained")) == []
    assert scene.values("code")["weights_loaded"] == 1.0


def test_networks_are_composed() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    whole = nn.Sequential(first, second)
    sight = Sight(None)
    assert compose(sight, [first], []) is first
    assert compose(sight, [whole, second], []) is whole
    apart = compose(sight, [first, second], [])
    assert isinstance(apart, nn.ModuleDict)
    assert list(apart.children()) == [first, second]
    sight.parents.add(whole)
    assert compose(sight, [first, second], []) is whole
    assert isinstance(compose(sight, [], [torch.optim.SGD(first.parameters(), lr=0.1)]), Loose)


def test_wrappers_are_taken_off() -> None:
    inner = nn.Linear(2, 2)
    assert unwrapped(nn.DataParallel(inner)) is inner
    assert unwrapped(inner) is inner


def test_enclosing_modules_are_found() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def look(self, module: nn.Module) -> list[nn.Module]:
            return list(enclosing(module))

    outer = Outer()
    assert outer.look(outer.inner) == [outer]
    assert outer.look(nn.Linear(2, 2)) == []


def test_everything_is_let_go(school: Any) -> None:
    scene = Scene(school())
    scene.sight.forget()
    assert not (scene.sight.calls or scene.sight.called or scene.sight.losses or scene.sight.signs)
    assert scene.sight.reading == Reading()


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
    scene.sight.called.add(Lesson.model.layers[0])
    scene.sample()
    assert set(scene.values("code/parameters_not_in_optimizer")) == {"layers.0.weight", "layers.0.bias"}


def test_what_never_ran_is_left_out(school: Any) -> None:
    scene = Scene(school())
    scene.lesson.model.append(nn.Linear(3, 3))
    scene.sample()
    assert scene.track.series.unused == {"3.weight", "3.bias"}


def test_the_share_of_a_penalty(school: Any) -> None:
    lesson = school()
    plain = lesson.loss()
    penalty = 5 * sum(p.square().sum() for p in lesson.model.parameters())
    scene = Scene(lesson)
    whole = plain + penalty
    scene.sight.take(whole, read_loss(whole))
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
