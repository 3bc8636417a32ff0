"""Every architecture of the catalogue keeps the same promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from trainwell.core.facts import InputFacts
from trainwell.nn import INITIALISATIONS, MODELS, initialise
from trainwell.recipe.sections import NetworkRecipe

# Small images and few channels: what is promised does not depend on the size.
SIDES = {"alexnet": 67, "zfnet": 53, "inception_v3": 75, "deepface": 72}
FACTORS = {"googlenet": 0.3}  # with fewer channels a whole rectified layer may be dead from the start


TOKENS = InputFacts((12,), vocabulary=30, max_length=12)
OF_TOKENS = ("rnn", "gru", "lstm", "text_cnn", "transformer")


@pytest.fixture(params=list(MODELS))
def network(request) -> torch.nn.Module:
    torch.manual_seed(0)
    recipe = NetworkRecipe(width_factor=FACTORS.get(request.param, 0.1))
    return MODELS[request.param].build(recipe, _facts(request.param), 7)


@pytest.fixture
def some(request, network) -> Callable[[int], torch.Tensor]:
    """Make some examples for the network."""
    name = request.node.callspec.params["network"]
    if name in OF_TOKENS:
        return lambda count: torch.randint(1, TOKENS.vocabulary, (count, TOKENS.max_length))
    return lambda count: torch.randn(count, *_facts(name).shape)


def _facts(name: str) -> InputFacts:
    return TOKENS if name in OF_TOKENS else InputFacts((3, SIDES.get(name, 32), SIDES.get(name, 32)))


def test_shape_and_type(network, some) -> None:
    out = network(some(4))
    assert out.shape == (4, 7)
    assert out.dtype == torch.float32


def test_the_output_layer_is_called_head(network) -> None:
    assert network.head.out_features == 7


def test_every_parameter_gets_a_gradient(network, some) -> None:
    initialise(network, "he_normal", seed=0)
    outputs: list[torch.Tensor] = []
    for head in getattr(network, "auxiliary", {}).values():
        head.register_forward_hook(lambda module, inputs, out: outputs.append(out))
    outputs.append(network(some(8)))
    sum(out.square().sum() for out in outputs).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_weights_can_be_saved_and_loaded(network, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    save_file(network.state_dict(), tmp_path / "w.safetensors")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for name in INITIALISATIONS:
        initialise(network, name, seed=1)
    network.load_state_dict(load_file(tmp_path / "w.safetensors"))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_examples_do_not_influence_each_other_in_eval_mode(network, some) -> None:
    network.eval()
    x = some(4)
    with torch.no_grad():
        assert torch.allclose(network(x)[:1], network(x[:1]), atol=1e-5)


@pytest.mark.parametrize("network", [name for name, entry in MODELS.items() if entry.can_be_mapped], indirect=True)
def test_it_can_be_stacked_and_mapped(network, some) -> None:
    network.eval()
    weights = {name: torch.stack([tensor, tensor]) for name, tensor in network.state_dict().items()}
    x = some(2)
    out = torch.func.vmap(lambda w: torch.func.functional_call(network, w, (x,)))(weights)
    assert torch.allclose(out[0], network(x), atol=1e-4)
