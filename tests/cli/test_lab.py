"""trainwell lab lists, runs, compares with what is expected, and draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.lab import EXPERIMENTS, Figure
from trainwell.lab.result import near, result


def test_the_list_names_every_experiment_with_its_row(cli) -> None:
    done = cli("lab")
    assert done.code == 0 and len(done.out.strip().splitlines()) == len(EXPERIMENTS)
    listed = cli("lab", "--json").json
    assert [row["name"] for row in listed["experiments"]] == list(EXPERIMENTS)
    assert set(listed["experiments"][0]) == {"name", "title", "row"}


def test_one_experiment_prints_numbers_beside_the_expected_ones_and_draws(cli) -> None:
    done = cli("lab", "second_order", "--output", "figures", "--json")
    assert done.code == 0
    assert "✓ determinant" in done.err and "expected 4" in done.err
    found = done.json
    assert found["numbers"]["determinant"] == pytest.approx(4) and found["expected"]["determinant"] == 4
    assert set(found["numbers"]) == set(found["expected"])
    assert Path(found["figure"]) == Path("figures/second_order.svg")
    assert Path(found["figure"]).read_text().startswith("<svg") and Path("figures/second_order.html").exists()
    assert len(found["experiments"]) == len(EXPERIMENTS)


def test_what_is_repeated_has_an_interval(cli) -> None:
    done = cli("lab", "dropout_ensemble", "--seeds", "3", "--json")
    assert done.code == 0 and "mean of 3 repetitions" in done.err
    name = "error of 1 mask / error of 16 masks"
    low, high = done.json["intervals"][name]
    assert low < done.json["numbers"][name] < high


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["schedule"], 2, "Did you mean 'schedules'"),
        (["schedules", "--all"], 2, "a name or --all"),
        (["symmetry", "--seeds", "1"], 2, "--seeds"),
        (["symmetry", "--data", "iris"], 65, "images with classes"),
        (["symmetry", "--data", "nowhere"], 65, "nowhere"),
    ],
)
def test_mistakes_are_one_sentence(cli, arguments: list[str], code: int, says: str) -> None:
    done = cli("lab", *arguments)
    assert done.code == code and says in done.err and done.err.strip().count("\n") == 0


def test_a_law_that_is_not_reproduced_is_a_cross_and_an_exit_code(cli, monkeypatch) -> None:
    import trainwell.lab.schedules

    monkeypatch.setattr(trainwell.lab.schedules, "run", lambda _: result({"a": (1, near(2))}, Figure("", ())))
    done = cli("lab", "schedules")
    assert done.code == 3 and "✗ a" in done.out and "schedules: a" in done.err


def test_numbers_that_are_not_finite_become_null(cli, monkeypatch) -> None:
    import trainwell.lab.schedules

    found = result({"a": (float("nan"), near(2)), "b": (float("inf"), near(2))}, Figure("", ()))
    monkeypatch.setattr(trainwell.lab.schedules, "run", lambda _: found)
    done = cli("lab", "schedules", "--json")
    assert done.code == 3 and done.json["numbers"] == {"a": None, "b": None}


def test_the_gallery_holds_all(cli, monkeypatch) -> None:
    import trainwell.lab

    few = {name: EXPERIMENTS[name] for name in ("schedules", "second_order")}
    monkeypatch.setattr(trainwell.lab, "EXPERIMENTS", few)
    done = cli("lab", "--all", "--json").json
    assert set(done["results"]) == set(few) and done["results"]["schedules"]["figure"] == "lab/schedules.svg"
    assert Path(done["gallery"]).read_text().count("<svg ") == 2
