"""TOML in and out without loss, mistakes with their lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.core.errors import RecipeError, StorageError
from trainwell.recipe.schema import Recipe, unflatten
from trainwell.recipe.toml import load_recipe, parse_settings, read_settings, to_toml

recipes = st.builds(
    lambda text, rate, hidden, flip, seed: unflatten(
        {"data.source": text, "optim.learning_rate": rate, "nn.hidden": hidden, "data.flip": flip, "seed": seed}
    ),
    st.text(st.characters(exclude_categories=("Cs",))),
    st.floats(min_value=1e-300, max_value=1e300),
    st.lists(st.integers(1, 10**6), max_size=5).map(tuple),
    st.booleans(),
    st.integers(0, 2**62),
)


@given(recipes, st.booleans())
def test_a_recipe_survives_toml(recipe: Recipe, comments: bool) -> None:
    assert unflatten(parse_settings(to_toml(recipe, comments=comments))) == recipe


def test_a_file_round_trip(tmp_path) -> None:
    path = tmp_path / "recipe.toml"
    recipe = unflatten({"seed": 7, "data.drop": ("a", 'b"c')})
    path.write_text(to_toml(recipe))
    assert load_recipe(path) == recipe


def test_mistakes_carry_their_lines(tmp_path) -> None:
    path = tmp_path / "r.toml"
    path.write_text("seed = 1\n\n[train]\nepochs = 0\nbatchsize = 3\n[optim]\nname = 7\n")
    with pytest.raises(RecipeError) as caught:
        read_settings(path)
    assert [mistake.split(": ")[0] for mistake in caught.value.mistakes] == [
        f"{path}, line 4",
        f"{path}, line 5",
        f"{path}, line 7",
    ]
    assert "train.batch_size" in caught.value.mistakes[1]


@pytest.mark.parametrize("text", ["seed = ", "[train\n", "a = 1\na = 2", "seed = 1\x00"])
def test_broken_toml_is_one_sentence(text: str) -> None:
    with pytest.raises(RecipeError, match="not valid TOML"):
        parse_settings(text)


def test_a_byte_order_mark_is_harmless_and_other_encodings_are_refused(tmp_path) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b"\xef\xbb\xbfseed = 3")
    assert read_settings(path) == {"seed": 3}
    path.write_bytes(b"seed = 3 # caf\xe9")
    with pytest.raises(RecipeError, match="UTF-8"):
        read_settings(path)


def test_a_missing_file_and_a_huge_one(tmp_path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_settings(tmp_path / "none.toml")
    big = tmp_path / "big.toml"
    big.write_bytes(b"#" * 1_000_001)
    with pytest.raises(RecipeError, match="at most"):
        read_settings(big)


def test_reasons_and_limits_stand_behind_the_values() -> None:
    text = to_toml(Recipe(), comments=True, reasons={"optim.learning_rate": "because"})
    (line,) = [line for line in text.splitlines() if line.startswith("learning_rate")]
    assert line.endswith("; because")
    assert "one of 'standardise', 'none'" in text
