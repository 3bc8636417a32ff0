from __future__ import annotations

from typing import Any

import torch


def test_overfitting_on_noisy_labels(lab: Any) -> None:
    draw = torch.Generator().manual_seed(3)

    def spoil(targets: torch.Tensor) -> torch.Tensor:
        random = torch.randint(0, 10, targets.shape, generator=draw)
        return torch.where(torch.rand(len(targets), generator=draw) < 0.4, random, targets)

    outcome = lab.run(lab.Case(lab.mlp(256, 256), lab.adam(3e-3), targets=spoil, epochs=30))
    assert outcome.verdicts == ["overfitting"]
    assert "early_stopping" in outcome.findings[0].remedies


def test_labels_that_belong_to_other_inputs(lab: Any) -> None:
    def shuffle(targets: torch.Tensor) -> torch.Tensor:
        return targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(9))]

    outcome = lab.run(lab.Case(lab.mlp(128), lab.adam(3e-3), targets=shuffle, epochs=25))
    assert outcome.verdicts[0] == "validation_at_chance"


def test_stopped_too_soon_is_a_hint(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64), lab.sgd(0.01)))
    assert outcome.verdicts == []
    assert [finding.rule for finding in outcome.findings] == ["stopped_too_soon"]
