from __future__ import annotations

import pytest

from trainwell.core.finding import Finding, Severity
from trainwell.recipe import Recipe, edit
from trainwell.repairs.data import more_workers, standardise_inputs

FINDING = Finding("any", Severity.ERROR, "")


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 4), (12, 16), (16, 16), (64, 64)])
def test_more_workers(before: int, after: int) -> None:
    assert more_workers(edit(Recipe(), {"data.workers": before}), FINDING).data.workers == after


def test_standardise_inputs() -> None:
    assert standardise_inputs(edit(Recipe(), {"data.prepare": "none"}), FINDING) == Recipe()
