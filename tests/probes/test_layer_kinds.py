from __future__ import annotations

import pytest
from torch import nn

from trainwell.probes.layer_kinds import LayerKind, has_own_parameters, layer_kind


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.Linear(2, 2), LayerKind(True, unit_axis=-1)),
        (nn.Conv2d(1, 2, 3), LayerKind(True, unit_axis=1)),
        (nn.ReLU6(), LayerKind(False, "relu6")),
        (nn.PReLU(), LayerKind(False, "leaky_relu")),
        (nn.Tanh(), LayerKind(False, "tanh")),
        (nn.Dropout(), None),
        (nn.BatchNorm1d(2), None),
    ],
)
def test_layers_are_told_apart(module: nn.Module, kind: LayerKind | None) -> None:
    assert layer_kind(module) == kind


def test_only_relus_are_zero_for_negative_inputs() -> None:
    relu, leaky = layer_kind(nn.ReLU()), layer_kind(nn.LeakyReLU())
    assert relu is not None and relu.is_relu
    assert leaky is not None and not leaky.is_relu


def test_parameters_of_modules_inside_are_not_own() -> None:
    assert has_own_parameters(nn.Linear(2, 2))
    assert not has_own_parameters(nn.Sequential(nn.Linear(2, 2)))
