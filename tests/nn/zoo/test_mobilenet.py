"""MobileNet's table 6: the width multiplier (docs/curriculum.md, H2)."""

from __future__ import annotations

import pytest
import torch

from trainwell.core.batch import Batch
from trainwell.cost import multiply_adds
from trainwell.nn.zoo.mobilenet import mobilenet


@pytest.mark.parametrize(
    ("width", "millions", "multiply_adds_millions"),
    [(1.0, 4.2, 569), (0.75, 2.6, 325), (0.5, 1.3, 149), (0.25, 0.5, 41)],
)
def test_table_6(width: float, millions: float, multiply_adds_millions: int) -> None:
    with torch.device("meta"):
        net = mobilenet(input_shape=(3, 224, 224), outputs=1000, width=width)
        work = multiply_adds(net.eval(), Batch({"inputs": torch.zeros(1, 3, 224, 224)}))[""]
    assert sum(p.numel() for p in net.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)
    assert work / 1e6 == pytest.approx(multiply_adds_millions, rel=0.01)


def test_parameters_of_the_authors_program() -> None:
    with torch.device("meta"):
        net = mobilenet(input_shape=(3, 224, 224), outputs=1000)
    assert sum(p.numel() for p in net.parameters()) == 4_231_976  # trainable; 21,888 running averages come on top
