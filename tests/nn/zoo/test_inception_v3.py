"""Inception-v3 has the parameters of the authors' program (docs/curriculum.md, H2)."""

from __future__ import annotations

import torch

from trainwell.nn.zoo.inception_v3 import inception_v3


def test_parameters_with_and_without_the_auxiliary_head() -> None:
    with torch.device("meta"):
        net = inception_v3(input_shape=(3, 299, 299), outputs=1000)
    auxiliary = sum(p.numel() for p in net.auxiliary.parameters())
    assert sum(p.numel() for p in net.parameters()) == 27_161_264
    assert sum(p.numel() for p in net.parameters()) - auxiliary == 23_834_568
    assert net.train()(torch.zeros(2, 3, 299, 299, device="meta")).shape == (2, 1000)
