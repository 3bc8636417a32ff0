from __future__ import annotations

from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, edit
from trainwell.repairs.gradients import clip_gradients


def test_clips_at_twice_the_median() -> None:
    known = Finding("any", Severity.ERROR, "", evidence={"median_norm": 0.3})
    assert clip_gradients(Recipe(), known).train.clip_norm == 0.6
    unknown = Finding("any", Severity.ERROR, "")
    assert clip_gradients(Recipe(), unknown).train.clip_norm == 1.0
    assert clip_gradients(edit(Recipe(), {"train.clip_norm": 1.0}), known).train.clip_norm == 0.5
