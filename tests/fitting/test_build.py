"""From a recipe to built parts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import trainwell
from trainwell.core.errors import DataError, UsageError
from trainwell.core.facts import InputFacts
from trainwell.data import from_arrays
from trainwell.data.kinds import image
from trainwell.fitting import gather, plan
from trainwell.fitting.build import build_augmentation, build_network, build_parts
from trainwell.recipe import Recipe, check_values, unflatten
from trainwell.tasks import Auxiliary


def test_facts_are_what_the_data_are() -> None:
    parts = build_parts(plan(gather("digits", {})))
    facts = parts.facts
    assert (facts.task, facts.outputs, facts.input_shape) == ("classify", 10, (1, 8, 8))
    assert sum(facts.sizes.values()) == 1797
    assert sum(facts.class_counts) == facts.sizes["train"]
    assert facts.chance_loss == pytest.approx(np.log(10), abs=0.01)
    assert facts.steps == facts.epochs * len(parts.data.train)
    assert facts.parameters == sum(p.numel() for p in parts.model.parameters())


@pytest.mark.parametrize(("source", "outputs"), [("iris", 3), ("breast-cancer", 1), ("diabetes", 1)])
def test_the_network_fits_the_task(source, outputs) -> None:
    parts = build_parts(plan(gather(source, {})))
    batch = next(iter(parts.data.train.epoch(0)))
    assert parts.task.forward(parts.model, batch).shape == (len(batch), outputs)
    assert torch.isfinite(parts.task.loss(parts.task.forward(parts.model, batch), batch))


def test_weights_are_a_function_of_the_seed() -> None:
    def weights(seed):
        return build_network(unflatten({"seed": seed}), InputFacts((4,)), 3).head.weight

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_a_network_from_python_cannot_be_built_from_its_name() -> None:
    with pytest.raises(UsageError, match="given from Python"):
        build_network(unflatten({"nn.model": "custom"}), InputFacts((4,)), 3)


def test_augmentation_is_for_images() -> None:
    assert build_augmentation(Recipe(), InputFacts((4,))) is None
    recipe = unflatten({"data.shift": 2})
    assert build_augmentation(recipe, InputFacts((1, 8, 8))) is not None
    with pytest.raises(UsageError, match="must be 0, false and empty for inputs that are not images"):
        build_augmentation(recipe, InputFacts((4,)))
    with pytest.raises(DataError, match="crop must fit into the images of 8 x 8 pixels, got 9"):
        build_augmentation(unflatten({"data.augment": ("crop:9",)}), InputFacts((1, 8, 8)))
    with pytest.raises(UsageError, match="label_noise applies to classification"):
        build_augmentation(unflatten({"data.label_noise": 0.1, "task.name": "regress"}), InputFacts((4,)))


def test_inputs_too_large_to_keep_as_floats_give_the_same_batches(monkeypatch) -> None:
    made = plan(gather("digits", {}))
    small = next(iter(build_parts(made).data.train.epoch(0)))
    monkeypatch.setattr(image, "_FLOAT_BYTES", 0)
    large = next(iter(build_parts(made).data.train.epoch(0)))
    assert torch.equal(small.inputs, large.inputs)
    assert torch.equal(small.targets, large.targets)


@pytest.mark.parametrize("model", ["resnet50", "googlenet", "mobilenet"])
def test_networks_of_the_zoo_train_by_name(model: str, tmp_path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (24, 32, 32, 3)).astype(np.uint8)
    labels = np.arange(24) % 2
    images[labels == 1] += 100
    edits = {"nn.model": model, "nn.width_factor": 0.1}
    run = trainwell.fit((images, labels), epochs=1, runs=tmp_path, edits=edits)
    assert run.status == "ok"
    assert run.model()(torch.zeros(2, 3, 32, 32)).shape == (2, 1 if run.recipe.task.name == "binary" else 2)


def test_auxiliary_heads_take_part_in_the_loss() -> None:
    images = np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3)).astype(np.uint8)
    examples = from_arrays(images, np.arange(12) % 3, target_type="classes")
    settings = check_values({"data.source": "arrays", "nn.model": "googlenet", "nn.width_factor": 0.1})
    task = build_parts(plan(settings, examples)).task
    assert isinstance(task, Auxiliary)
    assert set(task.part_weights.values()) == {1.0, 0.3} and len(task.part_weights) == 3


@pytest.mark.parametrize(("side", "most"), [(16, 1024), (224, 27)])
def test_large_images_are_evaluated_few_at_a_time(side: int, most: int) -> None:
    """A thousand images at once would take 26 GB for the first volumes of VGG-16."""
    images = np.broadcast_to(np.uint8(0), (200, side, side, 3))
    settings = check_values({"data.source": "arrays", "nn.model": "lenet", "train.batch_size": 8})
    held_out = build_parts(plan(settings, from_arrays(images, np.arange(200) % 3, target_type="classes")))
    sizes = [len(batch) for batch in held_out.data.splits["validation"].epoch(0)]
    assert max(sizes) == min(most, sum(sizes))
