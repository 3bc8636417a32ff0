from __future__ import annotations

from typing import Any

import pytest
import torch

from trainwell.probes import Outputs


def test_loss_and_spread_between_examples(school: Any) -> None:
    moment = school.Lesson().backward()
    measured = Outputs().read(moment)
    assert measured["loss/train"] == moment.loss.item()
    assert measured["output/std"] == pytest.approx(moment.outputs.std(dim=0, correction=0).mean().item())
    same = moment._replace(outputs=torch.tensor([[1.0, 5.0]]).expand(8, 2))
    assert Outputs().read(same)["output/std"] == 0.0


def test_one_example_has_no_spread(school: Any) -> None:
    moment = school.Lesson().backward()
    assert set(Outputs().read(moment._replace(outputs=moment.outputs[:1]))) == {"loss/train"}
