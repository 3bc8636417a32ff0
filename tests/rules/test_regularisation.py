from __future__ import annotations

from typing import Any


def test_weight_decay_far_too_strong(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64), lab.adam(1e-3, 500.0)))
    assert outcome.verdicts[0] == "weight_decay_too_strong"
    assert outcome.findings[0].remedies == ("less_regularisation",)


def test_usual_weight_decay(lab: Any) -> None:
    outcome = lab.run(lab.Case(lab.mlp(64, 64, norm=True), lab.sgd(0.1, 0.9, weight_decay=5e-3)))
    assert outcome.verdicts == []
