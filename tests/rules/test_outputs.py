from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Deaf(nn.Module):
    """Answers with a bias alone."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = nn.Parameter(torch.zeros(10))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.answer.expand(len(inputs), 10)


def test_outputs_ignore_input(lab: Any) -> None:
    outcome = lab.run(lab.Case(Deaf, lab.sgd(0.1), epochs=12))
    assert outcome.verdicts == ["constant_outputs", "no_better_than_chance"]
