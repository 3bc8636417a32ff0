"""Settings without effect are reported; declared dependencies name what exists."""

from __future__ import annotations

import pytest

from trainwell.fitting import choices
from trainwell.nn import MODELS
from trainwell.optim import OPTIMIZERS, SCHEDULES
from trainwell.recipe import Recipe, edit
from trainwell.recipe.dependencies import effective, without_effect
from trainwell.recipe.schema import SETTINGS


def test_patience_needs_a_validation_split() -> None:
    recipe = edit(Recipe(), {"train.patience": 2})
    assert not list(without_effect(recipe, choices()))
    assert [said[:35] for said in without_effect(recipe, choices(), validated=False)] == [
        "train.patience = 2 has no effect wi"
    ]


def test_declared_dependencies_name_settings_and_values_that_exist() -> None:
    names = {"nn.model": MODELS, "optim.name": OPTIMIZERS, "optim.schedule": SCHEDULES}
    needs = {key: entry.declared.only_with for key, entry in SETTINGS.items() if entry.declared.only_with}
    for key, needed in needs.items():
        assert needed.key in SETTINGS and needed.key != key
        assert set(needed.names) <= set(names.get(needed.key, SETTINGS[needed.key].limits.words)), key
        if needed.by_choice:
            assert any(key in choice.uses for choice in choices()[needed.key].values()), key
    assert set(choices()["nn.model"]) >= set(MODELS)


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({}, []),
        ({"nn.model": "logistic", "nn.dropout": 0.5}, ["nn.dropout = 0.5 has no effect with nn.model = 'logistic'"]),
        ({"nn.model": "timm:resnet18", "nn.normalisation": "layer"}, ["nn.normalisation = 'layer' has no effect"]),
        ({"optim.name": "sgd", "optim.beta1": 0.5}, ["optim.beta1 = 0.5 has no effect with optim.name = 'sgd'"]),
        ({"optim.step_factor": 0.5}, ["optim.step_factor = 0.5 has no effect with optim.schedule = 'cosine'"]),
        ({"optim.schedule": "step", "optim.step_factor": 0.5}, []),
        (
            {"nn.classic_dropout": True, "nn.dropout": 0.0},
            ["nn.classic_dropout = True has no effect with nn.dropout = 0.0: set nn.dropout."],
        ),
        ({"nn.classic_dropout": True, "nn.dropout": 0.5}, []),
        (
            {"transfer.layers": "1"},
            ["transfer.layers = '1' has no effect with transfer.source = '': set transfer.source."],
        ),
        ({"transfer.layers": "1", "transfer.source": "runs/a"}, []),
        ({"transfer.unfreeze_every": 2}, ["transfer.unfreeze_every = 2 has no effect with transfer.freeze = 'none'"]),
        ({"nn.classic_dropout": True, "nn.dropout": 0.0, "nn.model": "resnet9"}, ["nn.classic_dropout = True"]),
        (
            {"nn.classic_dropout": True, "nn.dropout": 0.5, "nn.model": "logistic"},
            ["nn.dropout = 0.5", "nn.classic_dropout = True has no effect where nn.dropout has none."],
        ),
        (
            {"optim.batch_scaling": "sqrt"},
            ["optim.batch_scaling = 'sqrt' has no effect with optim.reference_batch = 0"],
        ),
    ],
)
def test_what_changes_nothing_is_said(edits: dict, said: list[str]) -> None:
    found = list(without_effect(edit(Recipe(), edits), choices()))
    assert len(found) == len(said) and all(a.startswith(b) for a, b in zip(found, said, strict=True))


def test_edits_without_effect_are_dropped() -> None:
    before = edit(Recipe(), {"optim.name": "sgd"})
    after = edit(before, {"optim.momentum": 0.5, "optim.beta1": 0.5})
    assert effective(before, after, choices=choices()) == edit(before, {"optim.momentum": 0.5})
