"""Every setting and every name has a page, and every figure a page names is in the lab."""

from __future__ import annotations

import pytest

from trainwell.core.errors import UnknownNameError
from trainwell.inspect.about import PARTS, about, pages
from trainwell.lab import EXPERIMENTS
from trainwell.nn import ACTIVATIONS, INITIALISATIONS, NORMALISATIONS, POOLINGS
from trainwell.optim import OPTIMIZERS, SCHEDULES
from trainwell.recipe.schema import SETTINGS

NAMES = [
    *(f"optim.{name}" for name in OPTIMIZERS),
    *(f"schedule.{name}" for name in SCHEDULES),
    *(f"nn.init.{name}" for name in INITIALISATIONS),
    *(f"nn.activation.{name}" for name in ACTIVATIONS),
    *(f"nn.norm.{name}" for name in (*NORMALISATIONS, "weight")),
    *(f"nn.pool.{name}" for name in POOLINGS),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_choice_says_its_formula_its_use_and_its_cost(name: str) -> None:
    page = about(name)
    assert page.title.endswith(".") and {"Formula", "Use", "Cost"} <= set(page.parts)


def test_every_setting_has_a_page() -> None:
    assert set(SETTINGS) <= set(pages())
    assert all(pages()[key].setting == entry for key, entry in SETTINGS.items())


def test_every_figure_that_is_named_is_in_the_lab() -> None:
    named = {figure for page in pages().values() for figure in page.figures}
    assert len(named) >= 20
    assert named <= set(EXPERIMENTS)


def test_marked_lines_do_not_stay_in_the_text() -> None:
    for page in pages().values():
        assert not any(line.startswith(f"{part}:") for line in page.text.splitlines() for part in PARTS)
        assert ">>>" not in page.text


def test_a_name_that_is_also_a_setting_shows_both() -> None:
    page = about("optim.nesterov")
    assert page.kind == "optimizer" and page.setting is not None and page.setting.key == "optim.nesterov"


@pytest.mark.parametrize(
    ("given", "found"),
    [("cosine", "schedule.cosine"), ("trainwell.nn.DropConnect", "nn.DropConnect"), ("kfac", "optim.kfac")],
)
def test_the_last_part_or_the_path_of_python_is_enough(given: str, found: str) -> None:
    assert about(given).name == found


@pytest.mark.parametrize(
    ("given", "guess"),
    [("optim.nestrov", "optim.nesterov"), ("xavier_norml", "xavier_normal"), ("optim.cosine", "schedule.cosine")],
)
def test_an_unknown_name_gets_the_nearest(given: str, guess: str) -> None:
    with pytest.raises(UnknownNameError, match=guess):
        about(given)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("optim.beta1", "Applies only with optim.name = adam, adamw."),
        ("optim.step_epochs", "Applies only with optim.schedule = step."),
        ("data.components", "Applies only with data.prepare = decorrelate, whiten_pca, whiten_zca."),
        ("nn.classic_dropout", "Applies only if nn.dropout is not 0.0."),
        ("train.epochs", ""),
    ],
)
def test_a_setting_says_what_it_depends_on(name: str, said: str) -> None:
    assert about(name).text == said


def test_a_name_says_how_it_is_chosen() -> None:
    assert about("schedule.cosine").choose == "optim.schedule=cosine"
    assert about("optim.functional.sgd").choose == ""
