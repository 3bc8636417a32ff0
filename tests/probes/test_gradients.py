from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from trainwell.probes import Gradients


def test_norms_and_means_are_those_of_the_gradients(school: Any) -> None:
    lesson = school.Lesson()
    measured = Gradients().read(lesson.backward())
    gradients = {name: p.grad for name, p in lesson.model.named_parameters()}
    for name, gradient in gradients.items():
        assert measured[f"grad/norm/{name}"] == pytest.approx(gradient.norm().item())
        assert measured[f"grad/mean_abs/{name}"] == pytest.approx(gradient.abs().mean().item())
    whole = torch.cat([gradient.flatten() for gradient in gradients.values()])
    assert measured["grad/norm"] == pytest.approx(whole.norm().item())
    assert "grad/nonfinite_fraction" not in measured


def test_no_gradient_counts_as_zero_and_frozen_as_absent(school: Any) -> None:
    lesson = school.Lesson()
    lesson.model[0].bias.requires_grad_(False)
    moment = lesson.backward()
    lesson.model[3].bias.grad = None
    measured = Gradients().read(moment)
    assert measured["grad/norm/3.bias"] == 0.0
    assert "grad/norm/0.bias" not in measured
    lesson.optimizer.zero_grad()
    assert Gradients().read(moment)["grad/norm"] == 0.0


def test_nonfinite_fraction(school: Any) -> None:
    lesson = school.Lesson()
    moment = lesson.backward()
    lesson.model[3].bias.grad[0] = math.nan
    measured = Gradients().read(moment)
    entries = sum(p.numel() for p in lesson.model.parameters())
    assert measured["grad/nonfinite_fraction"] == pytest.approx(1 / entries)
    assert math.isnan(measured["grad/norm"])


def test_half_precision_does_not_overflow(school: Any) -> None:
    lesson = school.Lesson(school.network().to(torch.bfloat16))
    lesson.batch = lesson.batch.replace(inputs=lesson.batch.inputs.to(torch.bfloat16))
    moment = lesson.backward()
    lesson.model[0].weight.grad.fill_(2.0**120)
    assert Gradients().read(moment)["grad/mean_abs/0.weight"] == pytest.approx(2.0**120)


def test_sparse_gradients(school: Any) -> None:
    layer = torch.nn.Embedding(10, 4, sparse=True)
    layer(torch.tensor([1, 1, 3])).sum().backward()
    moment = school.Lesson().backward()._replace(model=layer)
    assert Gradients().read(moment)["grad/norm"] == pytest.approx((4 * 2**2 + 4) ** 0.5)
