"""Every experiment reproduces its law and can be drawn."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trainwell.core.errors import UnknownNameError
from trainwell.lab import EXPERIMENTS

ROOMS = ("__init__", "catalogue", "descent", "learning", "result", "seeds")


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_law_is_reproduced(name: str, done) -> None:
    found = done(name)
    assert found.failed == ()
    assert set(found.numbers) == set(found.expected) and len(found.numbers) >= 2
    assert all(math.isfinite(number) for number in found.numbers.values())


DETERMINISTIC = {"convolution_three_ways", "critical_rate", "local_response", "optimizer_race", "schedules"}
DETERMINISTIC |= {"second_order", "universal_approximation"}


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_what_is_random_is_repeated_over_seeds(name: str, done) -> None:
    assert bool(done(name).intervals) is (name not in DETERMINISTIC)
    assert all(interval.repetitions >= 5 for interval in done(name).intervals.values())


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_the_figure_says_what_it_shows(name: str, done) -> None:
    figure = done(name).figure
    assert figure.caption.endswith(".") and figure.panels
    for panel in figure.panels:
        assert panel.title and panel.x and panel.y
        assert panel.field or any(math.isfinite(up) for series in panel.series for _, up in series.points)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_its_page_states_the_law_and_why(name: str) -> None:
    law, _, reason = EXPERIMENTS[name].page.partition("\n\n")
    assert law.endswith(".") and "\n" not in law and len(reason) > 100


def test_every_file_is_listed_and_every_listed_name_has_a_file() -> None:
    folder = Path(sys.modules["trainwell.lab.catalogue"].__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - set(ROOMS) == set(EXPERIMENTS)


def test_an_experiment_is_the_same_every_time_and_leaves_random_numbers_alone() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, two = (EXPERIMENTS["batch_paths"].run() for _ in range(2))
    assert one == two
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'dropconnect'"):
        EXPERIMENTS["dropconect"]


def test_listing_needs_no_torch() -> None:
    code = "import sys, trainwell.lab; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_document_lists_every_experiment_with_its_law() -> None:
    text = (Path(__file__).parents[2] / "docs" / "lab.md").read_text()
    for name, experiment in EXPERIMENTS.items():
        assert f"| `{name}` | {experiment.row} | {experiment.page.splitlines()[0]} |" in text
