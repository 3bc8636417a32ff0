"""A trained network on disk is loaded whole or not at all."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import trainwell as tw
from trainwell.core.errors import DamagedError, StorageError
from trainwell.runs import RunWriter


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tw.fit("iris", epochs=2, runs=tmp_path_factory.mktemp("runs"))


def test_the_network_is_in_eval_mode_with_the_best_weights(run) -> None:
    net = run.model()
    assert not net.training
    assert net.head.out_features == 3


def test_another_architecture_gets_a_table_and_nothing_is_loaded(run) -> None:
    net = nn.Sequential(nn.Linear(4, 7))
    before = net[0].weight.clone()
    with pytest.raises(DamagedError, match=r"0\.weight +\(7, 4\) +nothing"):
        run.model(net)
    assert torch.equal(net[0].weight, before)


@pytest.mark.parametrize("name", ["weights.safetensors", "preparation.json"])
@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\xff" * 100])
def test_damage_is_one_sentence(tmp_path, name, damage) -> None:
    run = tw.fit("iris", epochs=1, runs=tmp_path)
    path = run.path / "model" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises((DamagedError, StorageError)):
        tw.open_run(run.path).model()


def test_a_run_without_a_network_says_so(tmp_path) -> None:
    with RunWriter.create(tmp_path, "empty", recipe_text="") as writer:
        pass
    with pytest.raises(StorageError, match="has no trained network yet"):
        tw.open_run(writer.path).model()


def test_tied_weights_survive(tmp_path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = nn.Linear(4, 4)
            self.b.weight = self.a.weight
            self.head = nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.b(torch.relu(self.a(x))))

    x, y = torch.randn(90, 4), torch.arange(90) % 3
    run = tw.fit((x, y), Tied(), epochs=1, runs=tmp_path)
    loaded = run.model(Tied())
    assert torch.equal(loaded.a.weight, loaded.b.weight)
