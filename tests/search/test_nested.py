"""Nested cross-validation (docs/curriculum.md, B2, N2): the whole procedure is judged on what it never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import DataError, UsageError
from trainwell.fitting import gather, plan
from trainwell.population.folds import make_folds
from trainwell.search import FinalEvaluation, Options, open_study, tune
from trainwell.search.nested import outer_folds

EDITS = {"train.epochs": 2, "nn.hidden": (8,), "nn.dropout": 0.0}


@pytest.mark.parametrize("folds", [1, 3])
def test_what_judges_is_never_seen_by_its_search(folds: int) -> None:
    data = make_folds(plan(gather("iris", EDITS)), folds=folds)
    pairs = outer_folds(data, outer=4, inner=folds)
    test = set(data.plan.splits.test.tolist())
    held_out = []
    for inner, judge in pairs:
        (splits,) = judge.splits
        held = set(splits.validation.tolist())
        held_out += sorted(held)
        assert inner.count == folds
        for part in inner.splits:
            seen = set(part.train.tolist()) | set(part.validation.tolist())
            assert seen <= set(splits.train.tolist()) and not seen & (held | test)
            assert not set(part.train.tolist()) & set(part.validation.tolist())
    assert sorted(held_out) == sorted(np.concatenate([data.plan.splits.train, data.plan.splits.validation]).tolist())


def test_the_procedure_has_a_mean_a_spread_and_an_interval(tmp_path: Path) -> None:
    options = Options(EDITS, name="s", evaluation=FinalEvaluation(repeats=0, nested=3, train_winner=False))
    study = tune("iris", {"optim.learning_rate": "log:1e-3..0.1"}, trials=4, runs=tmp_path, options=options)
    nested = open_study(study.path).conclusions.nested
    assert len(nested["scores"]) == len(nested["settings"]) == 3
    assert nested["low"] <= nested["mean"] <= nested["high"] and nested["mean"] == pytest.approx(
        np.mean(nested["scores"])
    )
    assert study.winner.test_looks == 0 and len(open_study(study.path / "outer-3").trials) == 4


def test_impossible_outer_folds_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    space = {"optim.learning_rate": "log:1e-3..0.1"}
    with pytest.raises(UsageError, match="--nested must be at least 2"):
        tune("iris", space, trials=2, runs=tmp_path, options=Options(EDITS, evaluation=FinalEvaluation(nested=1)))
    with pytest.raises(DataError, match="at most the number"):
        tune("iris", space, trials=2, runs=tmp_path, options=Options(EDITS, evaluation=FinalEvaluation(nested=9999)))
    assert not list(tmp_path.iterdir())
