from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwell.monitor.trainings.networks import (
    LooseParameters,
    calling_modules,
    compose,
    depends_on_mode,
    first_tensor,
    gradient_norm,
    is_frozen_at_initialisation,
    network_name,
    unwrapped,
)


def test_size_of_gradients() -> None:
    a, b, c = (nn.Parameter(torch.zeros(2)) for _ in range(3))
    assert gradient_norm([a, b, c]) == 0.0
    a.grad, b.grad = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 4.0])
    assert gradient_norm([a, b, c]) == 5.0


@pytest.mark.parametrize(
    ("model", "depends"),
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
def test_networks_that_depend_on_the_mode(model: nn.Module, depends: bool) -> None:
    assert depends_on_mode(model, {id(p) for p in model.parameters()}) is depends


def test_layers_frozen_at_their_initialisation() -> None:
    torch.manual_seed(0)
    conv, loaded = nn.Conv2d(8, 16, 3).requires_grad_(False), nn.Linear(64, 64).requires_grad_(False)
    assert is_frozen_at_initialisation(conv)
    nn.init.normal_(loaded.weight, std=0.02)
    assert not is_frozen_at_initialisation(loaded)
    assert not is_frozen_at_initialisation(nn.Embedding(64, 64).requires_grad_(False))


def test_networks_are_composed() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    whole = nn.Sequential(first, second)
    assert compose([first], [], parents=[]) is first
    assert compose([whole, second], [], parents=[]) is whole
    apart = compose([first, second], [], parents=[])
    assert isinstance(apart, nn.ModuleDict)
    assert list(apart.children()) == [first, second]
    assert compose([first, second], [], parents=[whole]) is whole
    assert isinstance(compose([], [torch.optim.SGD(first.parameters(), lr=0.1)], parents=[]), LooseParameters)


def test_wrappers_are_taken_off() -> None:
    inner = nn.Linear(2, 2)
    assert unwrapped(nn.DataParallel(inner)) is inner
    assert unwrapped(inner) is inner


def test_calling_modules_are_found() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def call(self, module: nn.Module) -> list[nn.Module]:
            return list(calling_modules(module))

    outer = Outer()
    assert outer.call(outer.inner) == [outer]
    assert outer.call(nn.Linear(2, 2)) == []


def test_loose_parameters_have_names() -> None:
    weight = torch.zeros(3, requires_grad=True)
    loose = LooseParameters({"weight": weight}, name="Model", layers={"fc": nn.Linear(2, 2)})
    assert [name for name, _ in loose.named_parameters()] == ["weight"]
    assert list(loose.parameters())[0] is weight
    assert [name for name, _ in loose.named_modules()] == ["", "fc"]
    assert (network_name(loose), network_name(nn.Linear(2, 2))) == ("Model", "Linear")


def test_the_first_floating_point_tensor_is_taken() -> None:
    ids, values = torch.arange(3), torch.zeros(2)
    assert first_tensor([3, {"ids": ids, "rest": (values, torch.ones(1))}]) is values
    assert first_tensor((ids,)) is ids
    assert first_tensor("text") is None
