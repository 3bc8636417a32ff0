"""DeepFace (docs/curriculum.md, A13, H2): the paper says more than 120 million, 95 % of them in local and full layers."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.zoo.deepface import deepface


@pytest.mark.parametrize(
    ("people", "parameters"),
    [(4030, 118_923_774), (8631, 137_774_071)],  # the paper's people; the public re-implementation on VGGFace2
)
def test_parameters(people: int, parameters: int) -> None:
    with torch.device("meta"):
        net = deepface(input_shape=(3, 152, 152), outputs=people)
    assert sum(p.numel() for p in net.parameters()) == parameters
    sides = [net.local4.places[0], net.local5.places[0], net.local6.places[0]]
    assert sides == [55, 25, 21]
    assert net.fc7.in_features == 21 * 21 * 16
