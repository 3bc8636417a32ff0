from __future__ import annotations

import math
from pathlib import Path

from trainwell.core.finding import Finding, Severity
from trainwell.doctor import Treatment
from trainwell.doctor.treatment import ComparedScores, TreatmentCost
from trainwell.recipe import Recipe, edit
from trainwell.report.text.treatment import treatment_text

BEFORE = edit(Recipe(), {"nn.initialisation": "zeros", "nn.hidden": (64, 64)})
AFTER = edit(BEFORE, {"nn.initialisation": "he_normal", "nn.hidden": (128,)})
FINDING = Finding("symmetric_weights", Severity.ERROR, "Symmetry is not broken.", remedies=("he_initialisation",))


def test_what_helps_is_told_with_its_changes_and_scores() -> None:
    text = treatment_text(
        Treatment(
            before=BEFORE,
            after=AFTER,
            repairs=("he_initialisation", "fewer_layers"),
            findings=(FINDING,),
            scores=ComparedScores("f1_macro", (0.1, 0.2, math.nan), (0.9, 0.92, 0.94)),
            cost=TreatmentCost(trials=12, runs=3.4),
            path=Path("repaired.toml"),
        )
    )
    assert "error: Symmetry is not broken." in text and "nn.initialisation zeros → he_normal" in text
    assert "Repairs that help: he initialisation, then fewer layers" in text
    assert "  nn.hidden = [64, 64] -> [128]\n  nn.initialisation = zeros -> he_normal\n" in text
    assert "Validation macro F1 with 3 new seeds (12 trainings, the cost of 3.4 full runs):" in text
    assert "  before  0.1500 ± 0.0707, 1 diverged\n  after   0.9200 ± 0.0200" in text
    assert text.endswith("Train with it: trainwell fit repaired.toml")


def test_nothing_that_helps_and_nothing_to_repair() -> None:
    same = {"before": BEFORE, "after": BEFORE, "repairs": (), "findings": ()}
    assert (
        treatment_text(Treatment(**same, scores=ComparedScores("accuracy")))
        == "There is nothing to repair: no finding names a repair."
    )
    tried = treatment_text(Treatment(**same, scores=ComparedScores("accuracy", (math.nan, math.nan))))
    assert tried.startswith("No repair improves") and "all 2 diverged" in tried and "after" not in tried
