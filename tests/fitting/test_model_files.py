"""What a run left of its network is read whole or refused."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from trainwell.core.errors import DamagedError
from trainwell.fitting.model_files import checksum, mismatch, read_weights, table


def test_weights_that_are_not_finite_are_named(tmp_path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"a": torch.ones(2), "b": torch.tensor([1.0, float("nan")])}, path)
    with pytest.raises(DamagedError, match="but b holds others"):
        read_weights(path)


def test_a_flipped_bit_is_noticed(tmp_path) -> None:
    weights = {"a": torch.ones(2), "b": torch.tensor(3), "c": torch.ones(3, dtype=torch.bfloat16)}
    path = tmp_path / "w.safetensors"
    save_file(weights, path, {"sha256": checksum(weights)})
    assert read_weights(path).keys() == weights.keys()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedError, match="bits of them changed"):
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
