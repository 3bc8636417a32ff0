"""Spaces: how they are written, read and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainwell.core.errors import RecipeError, StorageError
from trainwell.search.trials.read_space import make_space, read_space
from trainwell.search.trials.space import Categorical, Range

RATE = "optim.learning_rate=log:1e-4..1"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"optim.name": ["sgd", "adam"], "optim.momentum": ("0..0.9", "optim.name", "adamw")}, "'adamw'. Add it"),
        ({"nn.dropout": "0..0.9", "optim.momentum": ("0..0.9", "nn.dropout", 0.5)}, "0.5. Add it to nn.dropout"),
        ({"train.batch_size": "16..64", "nn.dropout": ("0..0.5", "train.batch_size", 500)}, "500. Add it to train"),
        (
            {"optim.name": ("sgd,adam", "optim.nesterov", True), "optim.nesterov": ("true,false", "optim.name", "sgd")},
            "must not be circular",
        ),
    ],
    ids=["never listed", "never met", "out of range", "circle"],
)
def test_a_condition_that_cannot_hold_is_a_mistake(entries: dict, said: str) -> None:
    space = {
        key: {"vary": entry[0], "when": {entry[1]: entry[2]}} if isinstance(entry, tuple) else entry
        for key, entry in entries.items()
    }
    with pytest.raises(RecipeError, match=said):
        make_space(space)


def test_a_condition_may_wait_for_a_whole_number() -> None:
    space = make_space({"train.batch_size": "8..16", "nn.dropout": {"vary": "0..0.5", "when": {"train.batch_size": 8}}})
    assert "nn.dropout" in space.active({"train.batch_size": 8, "nn.dropout": 0.1})


def test_texts_become_ranges_and_choices() -> None:
    space = read_space(
        vary=[
            RATE,
            "nn.dropout=0..0.7",
            "optim.name=sgd,adamw",
            "train.batch_size=log:16..256",
            "optim.nesterov=true,false",
            "data.flip=bernoulli:0.25",
            "nn.hidden=[64],[128, 64]",
        ]
    )
    assert space.settings == {
        "optim.learning_rate": Range(1e-4, 1.0, log=True),
        "nn.dropout": Range(0.0, 0.7),
        "optim.name": Categorical(("sgd", "adamw")),
        "train.batch_size": Range(16, 256, log=True, whole=True),
        "optim.nesterov": Categorical((True, False)),
        "data.flip": Categorical((False, True), (0.75, 0.25)),
        "nn.hidden": Categorical(((64,), (128, 64))),
    }


def test_a_condition_leaves_out_what_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "space.toml"
    path.write_text(
        '[optim]\nname = ["sgd", "adamw"]\nmomentum = {vary = "0.5..0.99", when = {"optim.name" = "sgd"}}\n'
        'learning_rate = "log:1e-4..1"\n'
    )
    space = read_space(path, vary=["optim.learning_rate=log:1e-3..1"])
    assert set(space.at([0.1, 0.5, 0.5])) == {"optim.name", "optim.momentum", "optim.learning_rate"}
    assert set(space.at([0.9, 0.5, 0.5])) == {"optim.name", "optim.learning_rate"}
    assert space.settings["optim.learning_rate"] == Range(1e-3, 1, log=True)
    assert make_space({key: entry for key, entry in space.to_json().items()}) == space


@pytest.mark.parametrize(
    "asked",
    ["seed=20240101..20240110", "optim.learning_rate=log:0.000123456789..0.1", "data.flip=bernoulli:0.123456789"],
)
def test_what_is_written_is_read_back_the_same(asked: str) -> None:
    space = read_space(vary=[asked])
    assert make_space(space.to_json()) == space


MISTAKES = {
    "optim.learnin_rate=log:1e-4..1": "Did you mean 'optim.learning_rate'?",
    "optim.learning_rate=log:0..1": "must have a range above 0",
    "nn.dropout=0.5..0.5": "low < high",
    "nn.dropout=0.7..0": "low < high",
    "nn.dropout=0..1.5": "less than 1",
    "nn.dropout=a..b": "range of two numbers",
    "optim.name=sgd,adamm": "Did you mean 'adam'",
    "optim.name=0..1": "takes no range",
    "optim.name=": "at least one value",
    "data.flip=bernoulli:2": "between 0 and 1",
    "data.source=digits,iris": "must be the same for all trials",
    "nn.dropout": "--vary needs key=range",
    "optim.learning_rate=1e-3..nan": "low < high",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_one_sentence(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_space(vary=[text])
    assert MISTAKES[text] in str(caught.value) and "\n" not in str(caught.value) and caught.value.exit_code == 2


def test_all_mistakes_come_together() -> None:
    with pytest.raises(RecipeError) as caught:
        read_space(vary=list(MISTAKES)[:6])
    assert len(caught.value.mistakes) >= 3


def test_nothing_to_vary_and_bad_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="something to vary"):
        read_space()
    with pytest.raises(StorageError, match="cannot be read"):
        read_space(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("= 1")
    with pytest.raises(RecipeError, match="not valid TOML"):
        read_space(tmp_path / "bad.toml")
    with pytest.raises(RecipeError, match="got 'optim.name'. Add it to the space"):
        make_space({"optim.momentum": {"vary": "0..0.9", "when": {"optim.name": "sgd"}}})
