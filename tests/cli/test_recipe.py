"""trainwell recipe prints what fit would run, ready to edit."""

from __future__ import annotations

from trainwell.recipe import parse_settings
from trainwell.recipe.schema import SETTINGS


def test_the_printed_recipe_is_complete_explained_and_runs(cli, tmp_path) -> None:
    done = cli("recipe", "iris")
    assert set(parse_settings(done.out)) == set(SETTINGS)
    for line in done.out.splitlines():
        assert not line or line.startswith("[") or " # " in line
    (tmp_path / "my.toml").write_text(done.out.replace("epochs = 100", "epochs = 2"))
    assert cli("fit", "my.toml", "--quiet").code == 0


def test_defaults_say_why(cli) -> None:
    done = cli("recipe", "digits")
    (line,) = [line for line in done.out.splitlines() if line.startswith("model")]
    assert ";" in line


def test_json(cli) -> None:
    done = cli("recipe", "digits", "--json", "--set", "seed=4")
    assert done.json["recipe"]["seed"] == 4
    assert cli("recipe", "digits", "--model", "lenet", "--json").json["recipe"]["nn.model"].startswith("lenet")
    assert done.json["reasons"]["nn.model"]


def test_infinity_is_a_word_that_is_read_back(cli) -> None:
    assert cli("recipe", "iris", "--json").json["recipe"]["optim.max_norm"] == "inf"
    assert cli("recipe", "iris", "--set", "optim.max_norm=inf").code == 0


def test_settings_without_effect_are_reported(cli) -> None:
    done = cli("recipe", "iris", "--set", "nn.model=logistic", "--set", "nn.dropout=0.3")
    assert "nn.dropout = 0.3 has no effect with nn.model = 'logistic'" in done.err
    assert "dropout" not in cli("recipe", "iris", "--set", "nn.model=logistic").err  # a default is no choice
