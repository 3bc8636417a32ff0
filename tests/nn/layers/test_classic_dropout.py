"""Classic dropout: the mean over masks equals the output at prediction (docs/curriculum.md, G1)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.errors import UsageError
from trainwell.nn import ClassicDropout


@given(st.floats(0, 0.9))
def test_the_mean_over_masks_is_the_prediction(p: float) -> None:
    torch.manual_seed(0)
    layer, ones = ClassicDropout(p), torch.ones(20_000)
    assert layer(ones).mean().item() == pytest.approx(layer.eval()(ones)[0].item(), abs=0.015)


def test_it_is_inverted_dropout_times_what_is_kept() -> None:
    x = torch.randn(100)
    torch.manual_seed(1)
    dropped = ClassicDropout(0.5)(x)
    assert set((dropped / x).round(decimals=3).tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_probabilities_outside_zero_and_one_are_refused(p: float) -> None:
    with pytest.raises(UsageError, match="at least 0 and less than 1"):
        ClassicDropout(p)
