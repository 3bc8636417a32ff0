from __future__ import annotations

import pytest
from torch import nn

from trainwell.core.modes import evaluation_mode


def test_modes_come_back_after_trouble() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Dropout().eval())
    with pytest.raises(ValueError, match="trouble"), evaluation_mode(model):
        raise ValueError("trouble")
    assert [module.training for module in model.modules()] == [True, True, False]
