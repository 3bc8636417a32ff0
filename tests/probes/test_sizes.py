from __future__ import annotations

import pytest
import torch

from trainwell.probes.sizes import mean_and_std, norms


@pytest.mark.parametrize("shift", [0.0, 1.0, -30.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_agrees_with_the_slow_way(shift: float, dtype: torch.dtype) -> None:
    values = (torch.randn(50, 40, generator=torch.Generator().manual_seed(0)) + shift).to(dtype)
    mean, spread = mean_and_std(values)
    assert mean.item() == pytest.approx(values.double().mean().item(), rel=1e-4, abs=1e-4)
    assert spread.item() == pytest.approx(values.double().std(correction=0).item(), rel=1e-3)


def test_constant_has_no_spread_and_nan_is_not_hidden() -> None:
    assert mean_and_std(torch.full((1000,), 3.0))[1].item() < 3e-3
    assert mean_and_std(torch.zeros(7))[1].item() == 0.0
    assert mean_and_std(torch.tensor([1.0, float("nan")]))[1].isnan()


def test_norms_of_all_kinds_of_numbers() -> None:
    tensors = [torch.full((4,), 2.0**100, dtype=torch.bfloat16), torch.ones(9), torch.ones(3, 3, dtype=torch.float64)]
    assert [norm.item() for norm in norms(tensors)] == [2.0**101, 3.0, 3.0]
    assert [norm.item() for norm in norms(tensors[1:], order=1)] == [9.0, 9.0]
    assert {norm.dtype for norm in norms(tensors)} == {torch.float32}
    assert norms([]) == []
