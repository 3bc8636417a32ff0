"""Several runs as one (docs/curriculum.md, A22)."""

from __future__ import annotations

import numpy as np
import pytest

import trainwell as tw
from trainwell.core.errors import UsageError
from trainwell.fitting import open_run
from trainwell.inference import average, ensemble
from trainwell.inference.predict import Predicted


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    edits = {"data.split_seed": 0, "transfer.labelled": 0.1}
    return [
        open_run(tw.fit("digits", epochs=6, edits=edits | {"seed": seed}, runs=folder, name=f"m{seed}").path)
        for seed in range(3)
    ]


def test_members_are_scored_on_what_none_of_them_saw(members) -> None:
    found = ensemble(members)
    assert found.examples == 270
    assert found.members == pytest.approx([run.scores["test"]["accuracy"] for run in members])
    assert found.mean == pytest.approx(np.mean(found.members))
    assert found.gain == pytest.approx(found.together - found.mean)
    assert found.together >= min(found.members)


def test_squared_error_of_the_mean_is_never_above_the_mean_squared_error() -> None:
    """Jensen's inequality: what an ensemble gains is its members' variance."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=50)
    answers = [truth + rng.normal(size=50) for _ in range(4)]
    mean = average([Predicted([str(n) for n in range(50)], list(a), None, None, ()) for a in answers]).values
    errors = [np.mean((a - truth) ** 2) for a in answers]
    variance = np.mean(np.var(answers, axis=0))
    assert np.mean((np.array(mean) - truth) ** 2) == pytest.approx(np.mean(errors) - variance)


def test_bad_requests_are_one_sentence(members, tmp_path) -> None:
    with pytest.raises(UsageError, match="at least 2 runs, got 1"):
        ensemble(members[:1])
    with pytest.raises(UsageError, match="trained on the same data"):
        ensemble([members[0], tw.fit("iris", epochs=1, runs=tmp_path)])
    other = tw.fit("digits", epochs=1, edits={"seed": 9}, runs=tmp_path)
    with pytest.raises(UsageError, match=r"data\.split_seed=0"):
        ensemble([members[0], other])
