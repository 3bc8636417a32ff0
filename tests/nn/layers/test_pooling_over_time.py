"""Pooling over time sees only what counts (docs/curriculum.md, A14)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwell.nn.layers.pooling_over_time import OVER_TIME


@pytest.mark.parametrize("name", list(OVER_TIME))
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), more=st.integers(0, 3))
def test_padding_changes_nothing(name: str, lengths: list[int], more: int) -> None:
    features = torch.randn(len(lengths), max(lengths) + more, 3)
    mask = torch.arange(features.shape[1]) < torch.tensor(lengths)[:, None]
    pooled = OVER_TIME[name](features, mask)
    for row, length in enumerate(lengths):
        alone = OVER_TIME[name](features[row : row + 1, :length], None)
        assert torch.allclose(pooled[row], alone[0], atol=1e-6)
