"""Spaces: how ranges are written, drawn and refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainwell.core.errors import RecipeError, StorageError
from trainwell.search.space import Choice, Range, make_space, read_space

RATE = "optim.learning_rate=log:1e-4..1"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"optim.name": ["sgd", "adam"], "optim.momentum": ("0..0.9", "optim.name", "adamw")}, "'adamw'. Add it"),
        ({"nn.dropout": "0..0.9", "optim.momentum": ("0..0.9", "nn.dropout", 0.5)}, "0.5. Add it to nn.dropout"),
        ({"train.batch_size": "16..64", "nn.dropout": ("0..0.5", "train.batch_size", 500)}, "500. Add it to train"),
        (
            {"optim.name": ("sgd,adam", "optim.nesterov", True), "optim.nesterov": ("true,false", "optim.name", "sgd")},
            "must not run in a circle",
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
        "optim.name": Choice(("sgd", "adamw")),
        "train.batch_size": Range(16, 256, log=True, whole=True),
        "optim.nesterov": Choice((True, False)),
        "data.flip": Choice((False, True), (0.75, 0.25)),
        "nn.hidden": Choice(((64,), (128, 64))),
    }


@pytest.mark.parametrize(
    "kind",
    [Range(1e-4, 1, log=True), Range(-2, 3), Range(1, 7, whole=True), Range(16, 256, log=True, whole=True)],
    ids=lambda kind: kind.describe(),
)
def test_a_range_is_covered_evenly_and_only_it(kind: Range) -> None:
    values = [kind.at(share) for share in np.linspace(0, 1, 101)]
    assert values[0] == kind.low and values[-1] == kind.high and values == sorted(values)
    for share in (0.1, 0.5, 0.9):
        assert kind.at(kind.share(kind.at(share))) == pytest.approx(kind.at(share), rel=1e-9)


def test_whole_numbers_are_drawn_equally_often() -> None:
    drawn = [Range(1, 4, whole=True).at(share) for share in (np.arange(4000) + 0.5) / 4000]
    assert np.bincount(drawn).tolist() == [0, 1000, 1000, 1000, 1000]


def test_a_bernoulli_choice_is_drawn_by_its_probability() -> None:
    kind = Choice((False, True), (0.75, 0.25))
    assert sum(bool(kind.at(share)) for share in (np.arange(400) + 0.5) / 400) == 100


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
    "optim.name=sgd,adamm": "did you mean 'adam'",
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
