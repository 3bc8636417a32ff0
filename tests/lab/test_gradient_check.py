"""docs/curriculum.md, E6, M1."""

from __future__ import annotations

import torch

from trainwell.lab.gradient_check import _backward, _loss


def test_the_right_backward_pass_equals_autograd_and_the_bug_does_not() -> None:
    torch.manual_seed(0)
    inputs, targets, weights = (torch.randn(*shape, dtype=torch.float64) for shape in ((9, 5), (9, 3), (56,)))
    truth = torch.func.grad(_loss)(weights, inputs, targets=targets)
    assert torch.allclose(_backward(weights, inputs, targets=targets, bug=False), truth)
    assert not torch.allclose(_backward(weights, inputs, targets=targets, bug=True), truth, atol=1e-2)
