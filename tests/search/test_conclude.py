"""The end of a search."""

from __future__ import annotations

import math
from pathlib import Path

from tests.search.test_loop import SPACE, nothing, search_in

from trainwell.search.conclude import conclude
from trainwell.search.study import open_study


def test_the_conclusion_names_edge_importance_and_noise(tmp_path: Path) -> None:
    search = search_in(tmp_path, 16, method="sobol")
    search.run(nothing)
    conclude(search, repeats=3, check=nothing)
    study = open_study(tmp_path)
    assert study.importance == {"optim.learning_rate": 1.0}
    noise = study.conclusions.noise
    assert len(noise["winner"]) == len(noise["runner_up"]) == 3
    assert 0 <= noise["p_value"] <= 1 and math.isfinite(noise["difference"])
    fraction = SPACE.settings["optim.learning_rate"].fraction(study.best.settings["optim.learning_rate"])
    assert bool(study.findings) == (fraction < 0.05 or fraction > 0.95)


def test_a_search_without_trials_has_no_conclusions(tmp_path: Path) -> None:
    search = search_in(tmp_path, 4)
    conclude(search, repeats=3, check=nothing)
    study = open_study(tmp_path)
    assert study.findings == () and study.importance == {} and study.conclusions.noise == {}
