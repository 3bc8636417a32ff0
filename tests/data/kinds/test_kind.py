"""What every kind promises, for every kind of the catalogue."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

from trainwell.core.batch import Batch, blank
from trainwell.core.targets import TOKENS
from trainwell.data import BUNDLED, Examples, Preparation, from_arrays
from trainwell.data.batches import ArrayBatches
from trainwell.data.kinds import KINDS
from trainwell.data.kinds.kind import Source
from trainwell.data.text.stream import StreamCode, Windows, windows
from trainwell.recipe.sections import DataRecipe

CODE = StreamCode.fit("the cat sat on the mat. " * 20, "characters", size=40)
INPUTS, TARGETS = windows(CODE.encode("the cat sat on the mat. " * 20), 8)
SAID = ["a good film", "a bad film with a good end", "no good at all", "nothing", "good", "a film"] * 3
EXAMPLES = {
    "stream": Examples(
        name="the cat",
        kind=KINDS["stream"],
        inputs=Windows(INPUTS, CODE),
        targets=TARGETS,
        target_type=TOKENS,
        ids=[str(number) for number in range(len(INPUTS))],
        labels=CODE.tokenizer.vocabulary,
    ),
    "text": Examples(
        name="said",
        kind=KINDS["text"],
        inputs=KINDS["text"].given(SAID),
        targets=np.arange(18) % 2,
        target_type="classes",
        ids=[str(number) for number in range(18)],
        labels=("bad", "good"),
    ),
    "table": BUNDLED["iris"](),
    "image": BUNDLED["digits"](),
    "array": from_arrays(np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32), np.arange(40) % 2),
}


@pytest.fixture(params=list(KINDS))
def examples(request: pytest.FixtureRequest) -> Examples:
    assert request.param in EXAMPLES, "a new kind of example needs examples here"
    return EXAMPLES[request.param]


def test_a_kind_knows_its_name_and_words(examples: Examples) -> None:
    kind = examples.kind
    assert KINDS[kind.name] is kind and kind.units and kind.description
    assert "standardise" in kind.preparations
    assert pickle.loads(pickle.dumps(kind)) == kind and hash(kind) == hash(type(kind)())


def test_facts_describe_what_is_prepared_and_what_is_blank(examples: Examples) -> None:
    rows = np.arange(0, len(examples), 2)
    fitted, _ = examples.kind.fit(examples.inputs, rows, settings=DataRecipe(), name="x", features=examples.features)
    prepared = fitted.arrays(examples.inputs[rows])["inputs"]
    empty = blank(fitted.facts, 3)
    assert empty.inputs.shape[1:] == fitted.facts.shape
    if fitted.facts.max_length:
        assert prepared.shape[1] <= fitted.facts.max_length and int(prepared.max()) < fitted.facts.vocabulary
        assert empty.mask is not None and empty.mask.shape == (3, fitted.facts.max_length)
    else:
        assert prepared.shape[1:] == fitted.facts.shape
    assert torch.from_numpy(prepared).dtype == empty.inputs.dtype and len(empty) == 3


def test_every_method_it_allows_can_be_fitted(examples: Examples) -> None:
    for prepare in examples.kind.preparations:
        if not prepare.startswith("whiten"):  # needs inputs that all vary
            fitted = Preparation.fit(examples, np.arange(len(examples)), recipe=DataRecipe(prepare=prepare))
            assert np.isfinite(fitted.inputs(examples.inputs)).all()
            restored = Preparation.from_json(json.loads(json.dumps(fitted.to_json())))
            np.testing.assert_array_equal(restored.inputs(examples.inputs), fitted.inputs(examples.inputs))
            assert restored.facts == fitted.facts and restored.to_json() == fitted.to_json()


def test_batches_are_gathered_from_its_source_bit_for_bit(examples: Examples) -> None:
    fitted = Preparation.fit(examples, np.arange(len(examples)), recipe=DataRecipe()).fitted
    source: Source = fitted.source(examples.inputs)
    targets = torch.from_numpy(examples.targets)
    made = source.collate or {**source.tensors, "targets": targets}
    indices = np.arange(0, len(examples), 3)
    whole = torch.from_numpy(fitted.arrays(examples.inputs)["inputs"])
    start = 0
    for batch in ArrayBatches(made, indices=indices, batch_size=4, finish=source.finish).epoch(0):
        wanted = whole[torch.from_numpy(indices[start : start + len(batch)])]
        start += len(batch)
        # A batch of sequences is only as long as its own longest one.
        assert torch.equal(batch.inputs, wanted[:, : batch.inputs.shape[1]])
        assert not wanted[:, batch.inputs.shape[1] :].any()
    assert start == len(indices)


def test_single_examples_are_collated_to_a_batch(examples: Examples) -> None:
    fitted = Preparation.fit(examples, np.arange(len(examples)), recipe=DataRecipe()).fitted
    inputs = torch.from_numpy(fitted.arrays(examples.inputs[:3])["inputs"])
    batch = examples.kind.collate([{"inputs": one} for one in inputs])
    assert isinstance(batch, Batch) and torch.equal(batch.inputs, inputs)


def test_examples_can_be_shown_and_measured(examples: Examples) -> None:
    kind = examples.kind
    views = kind.view(examples.inputs, [0, 2], features=examples.features)
    assert len(views) == 2 and all((view.pixels is not None) or view.values for view in views)
    measured = kind.measure(examples.inputs, examples.features, most=100)
    assert measured and all(one.values.shape == (len(examples),) for one in measured.values())
    assert len(kind.identity(examples.inputs)) == len(examples)
    assert list(kind.content(examples.inputs))


def test_the_form_on_the_disk_has_the_keys_of_the_first_release(examples: Examples) -> None:
    plain = Preparation.fit(examples, np.arange(len(examples)), recipe=DataRecipe()).to_json()
    assert {"kind", "columns", "remarks"} <= set(plain)
    assert plain["kind"] == examples.kind.name
