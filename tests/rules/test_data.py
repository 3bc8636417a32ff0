from __future__ import annotations

from typing import Any

import torch


def test_input_not_finite(lab: Any) -> None:
    def spoil(inputs: torch.Tensor) -> torch.Tensor:
        return inputs.index_put((torch.tensor([5, 500]), torch.tensor([3, 3])), torch.tensor(float("nan")))

    outcome = lab.run(lab.Case(lab.mlp(64), lab.sgd(0.1), inputs=spoil, epochs=2))
    assert outcome.verdicts == ["input_not_finite", "loss_not_finite"]
    assert outcome.findings[0].explains == ("loss_not_finite",)


def test_input_scale(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), lab.sgd(0.1), inputs=lambda inputs: inputs * 1000))
    assert outcome.verdicts[0] == "input_scale"
    assert outcome.findings[0].remedies == ("standardise_inputs",)
