"""What an entry of the catalogue says of its network is true of what it builds."""

from __future__ import annotations

import inspect

import pytest
import torch

from trainwell.core.batch import blank
from trainwell.core.facts import Facts, InputFacts
from trainwell.nn import MODELS
from trainwell.nn.modify import modify
from trainwell.recipe.check import check_values
from trainwell.recipe.schema import SETTINGS
from trainwell.recipe.sections import NetworkRecipe

SHAPES = {"googlenet": (3, 96, 96), "inception_v3": (3, 139, 139), "alexnet": (3, 99, 99), "zfnet": (3, 99, 99)}
SHAPES |= {"deepface": (3, 80, 80), "lenet": (1, 28, 28), "lenet5": (1, 28, 28)}
OTHER = {"nn.hidden": (7,), "nn.width": 8, "nn.width_factor": 0.25, "nn.activation": "tanh", "nn.dropout": 0.4}


def built(name: str, **chosen: object) -> list[str]:
    small = {"hidden": (5,), "width": 4, "width_factor": 0.125} | chosen
    settings = NetworkRecipe(model=name, **small)
    published = MODELS[name].published.input
    of_tokens = published is not None and published.vocabulary > 0
    facts = published if of_tokens else InputFacts(SHAPES.get(name, (3, 64, 64)))
    model = MODELS[name].build(settings, facts, 3)
    modify(model, settings, facts=facts)
    return [repr(module) for module in model.modules()]


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("resnet101", "resnet152")])
def test_it_names_the_settings_that_have_an_effect(name: str) -> None:
    plain = built(name)
    changed = {key for key, value in OTHER.items() if built(name, **{key.removeprefix("nn."): value}) != plain}
    assert changed == set(OTHER) & set(MODELS[name].uses)
    assert set(MODELS[name].uses) <= set(SETTINGS)


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("examples", [40, 60_000])
def test_usual_settings_are_valid_and_have_a_reason(name: str, examples: int) -> None:
    usual = MODELS[name].usual(Facts(model=name, sizes={"train": examples}), {})
    check_values({key: value for key, (value, _) in usual.items()})
    assert all(reason for _, reason in usual.values())


@pytest.mark.parametrize("name", [name for name, entry in MODELS.items() if entry.published.input])
def test_it_takes_the_input_of_its_paper(name: str) -> None:
    facts = MODELS[name].published.input
    assert facts is not None
    with torch.device("meta"):
        model = MODELS[name].build(NetworkRecipe(), facts, MODELS[name].published.classes).eval()
    outputs = model(blank(facts, 1, device="meta").inputs)
    assert outputs.shape == (1, MODELS[name].published.classes)


def test_every_network_has_a_page() -> None:
    assert all(inspect.getdoc(entry.page) for entry in MODELS.values())
