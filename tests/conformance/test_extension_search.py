"""A search method from outside the package: one class, and one line that registers it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import trainwell as tw
from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import UsageError
from trainwell.search import METHODS, FinalEvaluation, Method, Options, Trial, open_study, resume_study

RATE = "optim.learning_rate"
QUICK = Options(
    {"train.epochs": 2, "nn.hidden": (8,)}, name="s", evaluation=FinalEvaluation(repeats=0, train_winner=False)
)


class HillClimbing(Method):
    """Tries points around the best trial so far, in both directions; the step shrinks from group to group."""

    def propose(self, numbers: range, history: Sequence[Trial]) -> list[dict]:
        """Return one configuration for each trial number."""
        middle = [0.5] * len(self.space)
        if history:
            middle = self.space.fractions(min(history, key=lambda trial: trial.rank).settings)
        found = []
        for number in numbers:
            step = 0.25 / (1 + number // 2) * (-1) ** number
            found.append(self.space.at([min(max(fraction + step, 0.0), 1.0) for fraction in middle]))
        return found

    def group_size(self, first: int, *, width: int, shared: bool = False) -> int:
        """Return 2: both directions at once."""
        return min(2, self.trials - first)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS))  # so that other tests see the catalogue as it was
    METHODS.register("hill-climbing", HillClimbing)
    yield METHODS


def test_a_method_from_outside_searches(registered: Catalogue, tmp_path: Path) -> None:
    space = {RATE: "log:1e-4..0.1"}
    study = tw.tune("iris", space, trials=7, method="hill-climbing", runs=tmp_path, options=QUICK)
    assert study.status == "ok" and len(study.trials) == 7 and study.spec["method"] == "hill-climbing"
    rates = [trial.settings[RATE] for trial in study.trials]
    assert rates[:2] == pytest.approx([10**-1.75, 10**-3.25])
    assert len(set(rates)) == 7


def test_it_is_resumed_by_its_name(registered: Catalogue, tmp_path: Path) -> None:
    space = {RATE: "log:1e-4..0.1"}
    whole = tw.tune("iris", space, trials=7, method="hill-climbing", runs=tmp_path, options=QUICK)
    cut = whole.path / "study.json"
    cut.write_text(cut.read_text().replace('"status": "ok"', '"status": "stopped"'))
    resumed = resume_study(whole.path, options=QUICK)
    assert resumed.trials == whole.trials == open_study(whole.path).trials


def test_without_its_registration_the_name_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown method 'hill-climbing'"):
        tw.tune("iris", {RATE: "log:1e-4..0.1"}, method="hill-climbing", runs=tmp_path, options=QUICK)
