"""Whose cost is asked: a name, a class of the user's, a recipe, a run (docs/curriculum.md, K1)."""

from __future__ import annotations

import importlib.util
import os
import signal
import time

import pytest

import trainwell as tw
from trainwell.core.contracts.protocols import Display
from trainwell.core.errors import Interrupted, UsageError
from trainwell.inspect import find_subject
from trainwell.inspect.cost_sheet import followed
from trainwell.inspect.cost_subject import state_numbers
from trainwell.nn import MODELS
from trainwell.optim import OPTIMIZERS


@pytest.mark.parametrize("name", list(MODELS))
def test_every_network_by_name_is_built_without_memory(name: str) -> None:
    subject = find_subject(name)
    assert {parameter.device.type for parameter in subject.model.parameters()} == {"meta"}


def test_a_class_of_the_users(tmp_path, monkeypatch) -> None:
    (tmp_path / "mynet_for_cost.py").write_text(
        "from torch import nn\nclass Net(nn.Sequential):\n    def __init__(self):\n"
        "        super().__init__(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 5))\n"
        "def needs(width):\n    pass\nnumber = 3\ndef wrong():\n    return 3\n"
        "def fails():\n    raise ValueError('no weights')\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    subject = find_subject("mynet_for_cost:Net", input_shape=(1, 8, 8))
    assert subject.facts.shape == (1, 8, 8)
    for what, said in [
        ("mynet_for_cost:Nett", "Did you mean mynet_for_cost:Net?"),
        ("mynet_for_cst:Net", "No module named 'mynet_for_cst'. Run the command in the folder"),
        ("mynet_for_cost:number", "returns a network, got int"),
        ("mynet_for_cost:needs", "must need no arguments"),
        ("mynet_for_cost:wrong", "must return a torch.nn.Module"),
        ("mynet_for_cost:fails", "raised an exception: no weights"),
    ]:
        with pytest.raises(UsageError, match=said):
            find_subject(what)
    with pytest.raises(UsageError, match="--classes applies to networks of the catalogue"):
        find_subject("mynet_for_cost:Net", classes=3)


def test_a_run_and_a_recipe_bring_their_own_settings(tmp_path) -> None:
    run = tw.fit("digits", epochs=2, runs=tmp_path, name="one", edits={"nn.model": "mlp"})
    for what in ("one", str(run.path), str(run.path / "recipe.toml")):
        subject = find_subject(what, runs=tmp_path)
        assert subject.facts.shape == (1, 8, 8)
        assert subject.training.examples == run.facts.sizes["train"]
        assert (subject.training.optimizer, subject.training.batch_size) == (
            run.recipe.optim.name,
            run.recipe.train.batch_size,
        )
    with pytest.raises(UsageError, match="The data of a recipe determine"):
        find_subject(str(run.path / "recipe.toml"), input_shape=(1, 8, 8))
    assert find_subject("one", runs=tmp_path).training.epoch_seconds < run.seconds / 2, "start and end are no epochs"
    spent = [event.time for event in run.events() if event.kind in ("network", "checkpoint")]
    assert find_subject("one", runs=tmp_path).training.epoch_seconds == pytest.approx((spent[-1] - spent[0]) / 2)


def test_the_night_before_a_resume_is_no_training(tmp_path) -> None:
    class Stop(Display):
        def step(self, step: int, epoch: int) -> None:
            if step == 6:
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        tw.fit("iris", epochs=4, runs=tmp_path, name="one", display=Stop())
    time.sleep(3)  # longer than what is subtracted below: a busy machine stretches the epochs themselves
    marks = [e.time for e in tw.resume(tmp_path / "one").events() if e.kind in ("network", "checkpoint")]
    assert 0 < 4 * find_subject("one", runs=tmp_path).training.epoch_seconds <= marks[-1] - marks[0] - 1


def test_nothing_of_that_name(tmp_path) -> None:
    with pytest.raises(UsageError, match="got 'alexnett'. Did you mean 'alexnet'?"):
        find_subject("alexnett", runs=tmp_path)


@pytest.mark.filterwarnings("ignore")
def test_a_published_backbone_costs_what_its_paper_says() -> None:
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    subject = find_subject("timm:resnet18")
    assert subject.facts.shape == (3, 224, 224)
    assert {parameter.device.type for parameter in subject.model.parameters()} == {"meta"}
    _, table = followed(subject)
    assert (sum(row.parameters for row in table), sum(row.multiply_adds for row in table)) == (
        11_689_512,
        1_814_073_344,
    )
    assert "Identity" not in {row.type for row in table}


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_what_an_optimizer_remembers(name: str) -> None:
    expected = {"sgd": 1, "adam": 2, "adamw": 2, "adagrad": 1, "rmsprop": 1}
    assert state_numbers(name) == expected.get(name, state_numbers(name)) >= 0
