"""Every repair is a diff of a valid recipe, and every remedy a rule names is a repair."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trainwell.core.errors import UnknownNameError
from trainwell.core.finding import Finding, Severity
from trainwell.fitting import choices
from trainwell.recipe import Recipe, differences, edit, parse_settings, to_toml, unflatten
from trainwell.repairs import REPAIRS
from trainwell.rules import RULES, examples

FINDING = Finding("any", Severity.ERROR, "")
POOR = edit(
    Recipe(),
    {
        "data.prepare": "none",
        "nn.initialisation": "zeros",
        "nn.activation": "sigmoid",
        "nn.hidden": (64, 64, 64),
        "nn.dropout": 0.2,
        "optim.learning_rate": 0.1,
    },
)
KEYS = {
    "lower_rate": {"optim.learning_rate"},
    "raise_rate": {"optim.learning_rate"},
    "he_initialisation": {"nn.initialisation"},
    "xavier_initialisation": {"nn.initialisation"},
    "more_dropout": {"nn.dropout"},
    "more_weight_decay": {"optim.weight_decay"},
    "early_stopping": {"train.patience"},
    "less_regularisation": {"nn.dropout", "optim.weight_decay"},
    "clip_gradients": {"train.clip_norm"},
    "smaller_network": {"nn.hidden"},
    "larger_network": {"nn.hidden"},
    "fewer_layers": {"nn.hidden"},
    "relu_activation": {"nn.activation", "nn.initialisation"},
    "leaky_relu_activation": {"nn.activation"},
    "gelu_activation": {"nn.activation"},
    "standardise_inputs": {"data.prepare"},
    "more_workers": {"data.workers"},
    "train_longer": {"train.epochs"},
}


def test_every_repair_is_in_the_table() -> None:
    assert set(KEYS) == set(REPAIRS)


@pytest.mark.parametrize("name", REPAIRS)
def test_repair_is_a_diff_of_what_it_says_and_stays_valid(name: str) -> None:
    repair = REPAIRS[name]
    cured = repair.apply(POOR, FINDING, choices=choices())
    assert set(differences(POOR, cured)) == KEYS[name]
    assert unflatten(parse_settings(to_toml(cured))) == cured
    assert repair.name == name
    assert repair.title.endswith(".")


@pytest.mark.parametrize("name", REPAIRS)
def test_repair_may_be_repeated_for_ever(name: str) -> None:
    recipe = Recipe()
    for _ in range(15):
        recipe = REPAIRS[name].edit(recipe, FINDING)
        parse_settings(to_toml(recipe))


def test_every_remedy_is_a_repair_and_every_repair_is_asked_for() -> None:
    asked = set()
    for rule in RULES.values():
        for example in examples(rule):
            finding = rule(example.signals, example.facts)
            asked |= set(finding.remedies) if finding else set()
    assert asked == set(REPAIRS)


def test_unknown_repair_has_a_suggestion() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'lower_rate'"):
        REPAIRS["lower_rates"]


def test_repairs_do_not_import_torch() -> None:
    code = "import sys, trainwell.repairs; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
