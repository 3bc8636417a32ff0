"""trainwell about, as a stranger would call it."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from trainwell.cli.main import app
from trainwell.core.errors import TrainwellError


def say(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["about", *arguments])
    assert done.exception is None
    return done.stdout


def test_a_page_names_formula_figure_and_setting() -> None:
    page = say("optim.nesterov")
    for words in ("Formula:", "trainwell lab optimizer_race", "--set optim.name=nesterov", "--set optim.nesterov=True"):
        assert words in page
    assert page.count("Choose:") == 1


def test_the_list_and_its_json_name_the_same_pages() -> None:
    listed = json.loads(say("--json"))["pages"]
    text = say()
    assert len(listed) > 150 and all(page["name"] in text for page in listed)


def test_the_json_of_a_page() -> None:
    page = json.loads(say("nn.init.he_normal", "--json"))
    assert page["lab"] == ["initialisation"] and "sqrt(2 / fan in)" in page["formula"] and page["setting"] is None


def test_an_unknown_name_is_one_sentence() -> None:
    done = CliRunner().invoke(app, ["about", "optim.adm"])
    assert isinstance(done.exception, TrainwellError) and "Did you mean 'optim.adam" in str(done.exception)
