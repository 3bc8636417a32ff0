from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from trainwell.probes import Inputs


def test_mean_and_deviation(school: Any) -> None:
    moment = school.Lesson().backward()
    measured = Inputs().read(moment)
    assert measured["input/mean"] == pytest.approx(moment.batch.inputs.mean().item())
    assert measured["input/std"] == pytest.approx(moment.batch.inputs.std(correction=0).item())
    assert measured["input/nonfinite_fraction"] == 0.0


def test_nan_is_counted(school: Any) -> None:
    moment = school.Lesson().backward()
    moment.batch.inputs[0, :3] = math.inf
    assert Inputs().read(moment)["input/nonfinite_fraction"] == pytest.approx(3 / 192)


def test_whole_numbers_have_no_scale(school: Any) -> None:
    moment = school.Lesson().backward()
    batch = moment.batch.replace(inputs=torch.zeros(32, 6, dtype=torch.long))
    assert Inputs().read(moment._replace(batch=batch)) == {}
