from __future__ import annotations

from torch.nn import functional as F

from trainwell.monitor.autograd.reading import KIND_OF_FUNCTION, LossReduction


def test_only_a_mean_is_scaled_back() -> None:
    assert LossReduction(is_mean=True, factor=0.25).scale == 0.25
    assert LossReduction(is_mean=True, factor=0.0).scale == 1.0
    assert LossReduction(is_mean=False, factor=0.25).scale == 1.0


def test_the_functions_exist() -> None:
    assert all(callable(getattr(F, name)) for name in KIND_OF_FUNCTION)
