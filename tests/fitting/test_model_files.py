"""What a run left of its network is read whole or refused."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save_file

import trainwell as tw
from trainwell.core.errors import DamagedError
from trainwell.core.targets import TargetFacts
from trainwell.fitting.model_files import PREPARATION, checksum, mismatch, read_description, read_weights, table


def test_weights_that_are_not_finite_are_named(tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"a": torch.ones(2), "b": torch.tensor([1.0, float("nan")])}, path)
    with pytest.raises(DamagedError, match="has non-finite values in b"):
        read_weights(path)


def test_a_flipped_bit_is_noticed(tmp_path) -> None:
    weights = {"a": torch.ones(2), "b": torch.tensor(3), "c": torch.ones(3, dtype=torch.bfloat16)}
    path = tmp_path / "w.safetensors"
    save_file(weights, path, {"sha256": checksum(weights)})
    assert read_weights(path).keys() == weights.keys()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="its checksum does not match"):
        read_weights(path)


def test_a_checksum_tells_names_types_and_shapes_apart() -> None:
    zeros = torch.zeros(2, 3)
    others = [
        {"b": zeros},
        {"a": zeros.int()},
        {"a": zeros.t()},
        {"a": zeros.reshape(6)},
        {"a": zeros[:1], "b": zeros[1:]},
    ]
    assert len({checksum(weights) for weights in [{"a": zeros}, *others]}) == 6
    across = torch.arange(6.0).reshape(2, 3).t()
    assert checksum({"a": across}) == checksum({"a": across.contiguous()})


def test_a_long_mismatch_is_cut() -> None:
    rows = mismatch({f"t{n:02d}": torch.zeros(n) for n in range(20)}, {})
    written = table(rows)
    assert written.splitlines()[0].split() == ["name", "expected", "found"]
    assert written.endswith("and 8 more")


@pytest.mark.parametrize("source", ["diabetes", "breast-cancer"])
def test_a_description_of_the_first_format_is_read(tmp_path, source) -> None:
    run = tw.fit(source, epochs=1, runs=tmp_path)
    preparation, targets = read_description(run)
    predictions = tw.predict(run, source).values
    path = run.path / "model" / PREPARATION
    described = json.loads(path.read_text())
    now = described.pop("targets")
    before = {"target_mean": now["mean"], "target_std": now["deviation"], "labels": now["labels"]}
    described["preparation"] |= {"task": run.task, **before}
    path.write_text(json.dumps(described | {"format": 1}))
    assert read_description(run) == (preparation, targets)
    assert tw.predict(run, source).values == predictions
    assert targets.count == (2 if targets.labels else 1) and isinstance(targets, TargetFacts)
