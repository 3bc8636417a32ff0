from __future__ import annotations

import hashlib
import json
import math
import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.train import checkpoint
from trainwell.train.checkpoint import load_checkpoint, save_checkpoint

DTYPES = sorted(checkpoint._DTYPES, key=str)


def bits(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach()).flatten().view(torch.uint8)


def same(a: Any, b: Any) -> bool:
    """Equal in type, structure and every bit."""
    if isinstance(a, Tensor):
        if not isinstance(b, Tensor) or a.dtype != b.dtype or a.shape != b.shape:
            return False
        return a.numel() == 0 or bits(a).equal(bits(b))
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, dict):
        pairs = zip(a.items(), b.items(), strict=False)
        return len(a) == len(b) and all(same(x, y) and same(v, w) for (x, v), (y, w) in pairs)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def save(folder: Path, *steps: int, keep: tuple[int, ...] = ()) -> Path:
    for step in steps:
        model = {"weight": torch.full((30, 40), float(step)), "bias": torch.arange(40)}
        save_checkpoint(folder, {"model": model, "state": {"step": step, "text": "abc" * 50}}, step=step, keep=keep)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# Round trip -----------------------------------------------------------------------------------------------------------


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    size = math.prod(shape) * dtype.itemsize
    data = bytearray(draw(st.binary(min_size=size, max_size=size))) if dtype != torch.bool else bytearray(size)
    tensor = (torch.frombuffer(data, dtype=torch.uint8).view(dtype) if size else torch.empty(0, dtype=dtype)).reshape(
        shape
    )
    change = draw(st.sampled_from(["none", "transpose", "slice", "expand", "parameter"]))
    if change == "transpose" and tensor.dim() > 1:
        return tensor.transpose(0, -1)
    if change == "slice" and tensor.dim():
        return tensor[::2]
    if change == "expand":
        return tensor.expand(2, *shape)
    if change == "parameter" and dtype.is_floating_point:
        return nn.Parameter(tensor)
    return tensor


texts = st.text(st.characters(exclude_categories=[]), max_size=8) | st.sampled_from(
    ["$tensor", "__metadata__", "a.b", ""]
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts | tensors()
keys = texts | st.integers() | st.booleans() | st.none() | st.tuples(st.integers(), texts)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(keys, values, max_size=4), values)
def test_whatever_is_saved_comes_back_bit_for_bit(first, second):
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        saved = {"model": first, "state": {"value": second}}
        save_checkpoint(Path(folder), saved, step=7)
        found = load_checkpoint(Path(folder))
    assert found.step == 7 and found.skipped == ()
    assert same(found.parts, saved)


def test_tied_weights_are_stored_once_and_come_back_tied(tmp_path):
    weight = torch.randn(20, 10)
    part = {"in": weight, "out": weight, "row": weight[3], "transposed": weight.t(), "again": weight.t()}
    save_checkpoint(tmp_path, {"model": part}, step=0)
    found = load_checkpoint(tmp_path).parts["model"]
    assert same(found, part)
    assert found["in"].data_ptr() == found["out"].data_ptr()
    assert found["row"].data_ptr() != found["in"][3].data_ptr()
    stored = (tmp_path / "step-000000" / "model.safetensors").stat().st_size
    assert stored < 2 * weight.nbytes + 10 * 4 + 1000


def test_numbers_that_are_lazily_conjugated_are_saved_as_they_read(tmp_path):
    value = torch.tensor([1 + 2j]).conj()
    save_checkpoint(tmp_path, {"model": {"a": value, "b": value.imag}}, step=0)
    found = load_checkpoint(tmp_path).parts["model"]
    assert found["a"].tolist() == [1 - 2j] and found["b"].tolist() == [-2.0]


def test_training_on_from_a_checkpoint_is_bit_for_bit_also_with_a_fused_optimizer_and_channels_last(tmp_path):
    """Fused kernels pair weight and state by position in memory: the layout of the state is part of the state."""

    def build() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3)).to(
            memory_format=torch.channels_last
        )
        return model, torch.optim.AdamW(model.parameters(), lr=0.01, fused=True)

    def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        inputs = torch.linspace(-1, 1, 2 * 3 * 8 * 8).reshape(2, 3, 8, 8).to(memory_format=torch.channels_last)
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()

    model, optimizer = build()
    for _ in range(3):
        step(model, optimizer)
    save_checkpoint(tmp_path, {"model": model.state_dict(), "optim": optimizer.state_dict()}, step=3)
    step(model, optimizer)

    again, other = build()
    parts = load_checkpoint(tmp_path).parts
    again.load_state_dict(parts["model"])
    other.load_state_dict(parts["optim"])
    step(again, other)
    assert same(dict(again.state_dict()), dict(model.state_dict()))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1, 2}, "got set at 'x.1.y'"),
        (object(), "got object at 'x.1.y'"),
        (b"bytes", "got bytes"),
        (torch.zeros(2).to_sparse(), "dense tensors with values"),
        (torch.zeros(2, device="meta"), "on meta"),
        (torch.zeros(2, dtype=torch.complex128), "complex128"),
    ],
)
def test_what_cannot_be_saved_is_refused_by_its_place(tmp_path, value, words):
    save(tmp_path, 1)
    with pytest.raises(UsageError, match=words):
        save_checkpoint(tmp_path, {"model": {"x": [0, {"y": value}]}}, step=2)
    assert names(tmp_path) == ["step-000001"]


@pytest.mark.parametrize("part", ["", "../x", "Model", "a/b", "manifest.json", "x" * 50])
def test_the_name_of_a_part_never_leaves_the_folder(tmp_path, part):
    with pytest.raises(UsageError, match="name of a part"):
        save_checkpoint(tmp_path, {part: {}}, step=1)


def test_files_have_the_usual_permissions(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "plain").touch()
    usual = (tmp_path / "plain").stat().st_mode
    assert {path.stat().st_mode for path in (tmp_path / "step-000001").iterdir()} == {usual}


def test_a_run_that_was_deleted_is_not_brought_back_as_a_torso(tmp_path):
    with pytest.raises(StorageError, match="gone"):
        save(tmp_path / "deleted" / "checkpoints", 1)
    assert os.listdir(tmp_path) == []


# Retention ------------------------------------------------------------------------------------------------------------


def test_the_last_two_and_the_best_stay(tmp_path):
    save(tmp_path, 1, 5, 10, 200, 1_000_000, keep=(5,))
    assert names(tmp_path) == ["step-000005", "step-000200", "step-1000000"]
    assert load_checkpoint(tmp_path).step == 1_000_000
    assert load_checkpoint(tmp_path, 5).step == 5


def test_steps_of_a_future_that_was_left_are_deleted_and_never_count(tmp_path):
    save(tmp_path, 10, 20, 30)
    for step in (20, 30):
        (tmp_path / f"step-0000{step}" / "model.json").write_text("{}")
    shutil.copytree(tmp_path / "step-000020", tmp_path / "step-000040")
    save(tmp_path, 15)
    assert names(tmp_path) == ["step-000015"]
    save(tmp_path, 16, 17)
    assert names(tmp_path) == ["step-000016", "step-000017"]


def test_an_intact_checkpoint_of_the_same_step_is_kept_and_a_damaged_one_replaced(tmp_path):
    save(tmp_path, 1, 2)
    path = tmp_path / "step-000002" / "model.safetensors"
    inode = path.stat().st_ino
    save(tmp_path, 2)
    assert path.stat().st_ino == inode
    data = path.read_bytes()
    path.write_bytes(bytes(len(data)))
    save(tmp_path, 2)
    assert path.read_bytes() == data
    assert names(tmp_path) == ["step-000001", "step-000002"]


def test_a_deletion_that_fails_is_told_and_stops_nothing(tmp_path, monkeypatch):
    save(tmp_path, 1, 2)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    told: list[str] = []
    model = {"weight": torch.zeros(2)}
    save_checkpoint(tmp_path, {"model": model}, step=3, warn=told.append)
    assert len(told) == 1 and told[0].endswith("could not be deleted: Permission denied.")
    assert load_checkpoint(tmp_path).step == 3
    monkeypatch.undo()
    assert checkpoint.tidy(tmp_path) == ()
    assert names(tmp_path) == ["step-000002", "step-000003"]


# Damage ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return save(tmp_path / "checkpoints", 1, 2)


def assert_falls_back(folder: Path, *words: str) -> None:
    found = load_checkpoint(folder)
    assert found.step == 1 and found.parts["state"]["step"] == 1
    assert torch.equal(found.parts["model"]["weight"], torch.full((30, 40), 1.0))
    (sentence,) = found.skipped
    assert "step-000002" in sentence and sentence.endswith(".")
    for word in words:
        assert word in sentence
    with pytest.raises(DamagedError, match="No intact checkpoint of step 2 is left"):
        load_checkpoint(folder, 2)


def test_every_flipped_bit_is_noticed_before_a_tensor_is_used(two):
    draw = random.Random(0)
    files = sorted((two / "step-000002").iterdir())
    assert len(files) == 4
    for path in files:
        data = path.read_bytes()
        for bit in draw.sample(range(8 * len(data)), 100):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            path.write_bytes(flipped)
            assert_falls_back(two, path.name)
        path.write_bytes(data)
    assert load_checkpoint(two).step == 2


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99, 0.999, -1])
def test_every_truncation_is_noticed(two, part):
    for path in sorted((two / "step-000002").iterdir()):
        data = path.read_bytes()
        os.truncate(path, len(data) - 1 if part < 0 else int(part * len(data)))
        assert_falls_back(two, path.name)
        path.write_bytes(data)


def zero_page(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[400:4496] = bytes(4096)
    path.write_bytes(data)


def swap(folder: Path) -> None:
    (folder / "model.json").rename(folder / "x")
    (folder / "state.json").rename(folder / "model.json")
    (folder / "x").rename(folder / "state.json")


def link(folder: Path) -> None:
    (folder / "model.json").rename(folder.parent / "elsewhere.json")
    (folder / "model.json").symlink_to(folder.parent / "elsewhere.json")


def link_folder(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def replace_by_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


DAMAGE = {
    "a page of zeros": (zero_page, "SHA-256"),
    "appended bytes": (
        lambda folder: (folder / "model.json").write_bytes((folder / "model.json").read_bytes() + b" "),
        "bytes",
    ),
    "two files swapped": (swap, "must have"),
    "a file of the other step": (
        lambda folder: shutil.copy(folder.parent / "step-000001" / "model.safetensors", folder),
        "SHA-256",
    ),
    "another step's folder": (
        lambda folder: (shutil.rmtree(folder), shutil.copytree(folder.parent / "step-000001", folder)),
        "must be the checkpoint of step 1",
    ),
    "a missing file": (lambda folder: (folder / "model.json").unlink(), "exactly the files"),
    "an extra file": (lambda folder: (folder / "extra").touch(), "exactly the files"),
    "an extra folder": (lambda folder: (folder / "extra").mkdir(), "exactly the files"),
    "a missing manifest": (lambda folder: (folder / "MANIFEST.json").unlink(), "no MANIFEST.json"),
    "a link instead of a file": (link, "exactly the files"),
    "a link instead of the folder": (link_folder, "not a link"),
    "a file instead of the folder": (replace_by_file, "must be a folder"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_of_every_kind_is_named(two, name):
    damage, words = DAMAGE[name]
    damage(two / "step-000002")
    assert_falls_back(two, words)


def sign(folder: Path, **changes: object) -> None:
    """Change a manifest and give it the hash it needs: what a forger would do."""
    path = folder / "MANIFEST.json"
    body = json.loads(path.read_bytes())
    del body["sha256"]
    path.write_bytes(checkpoint._signed({**body, **changes}))


def forge(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    files = json.loads((folder / "MANIFEST.json").read_bytes())["files"]
    files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    sign(folder, files=files)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"1", b"NaN", b"{}", b"\xff\xfe", b'{"format": 1}', b"[" * 100_000, b"1" * 5000]
)
def test_a_manifest_that_is_none_is_damaged(two, text):
    (two / "step-000002" / "MANIFEST.json").write_bytes(text)
    assert_falls_back(two, "MANIFEST.json is damaged")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"files": None}, "must list the files"),
        ({"files": {"model.json": 3}}, "must list the files"),
        ({"files": {}}, "exactly the files"),
        ({"files": {"../../x": {"bytes": 1, "sha256": ""}}}, "exactly the files"),
        ({"step": 3}, "must be the checkpoint of step 3"),
        ({"step": "2"}, "must be the checkpoint of step '2'"),
    ],
)
def test_a_forged_manifest_is_refused(two, changes, words):
    sign(two / "step-000002", **changes)
    assert_falls_back(two, words)


def test_a_key_that_a_later_version_may_add_is_ignored(two):
    sign(two / "step-000002", comment="hello")
    assert load_checkpoint(two).step == 2


@pytest.mark.parametrize("version", [2, 0, None, "1"])
def test_another_format_is_refused_and_never_passed_over(two, version):
    sign(two / "step-000002", format=version)
    with pytest.raises(StorageError, match="must have format 1, got .* another version of trainwell"):
        load_checkpoint(two)
    with pytest.raises(StorageError, match="another version"):
        save(two, 2)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("model.json", b"not json"),
        ("model.json", b'{"weight": {"$tensor": "absent"}}'),
        ("model.json", b'{"weight": {"$tensor": ["weight"]}}'),
        ("model.json", b'{"weight": {"$tensor": "weight", "order": [0, 0]}}'),
        ("model.json", b'{"weight": {"$dict": [[[], 1]]}}'),
        ("model.json", b"[" * 200_000),
        ("model.safetensors", b"\xff" * 100),
        ("model.safetensors", (2**62).to_bytes(8, "little") + b"{}"),
        (
            "model.safetensors",
            (66).to_bytes(8, "little") + b'{"weight":{"dtype":"F32","shape":[4],"data_offsets":[0,4611686018]}}',
        ),
    ],
)
def test_forged_contents_end_in_a_sentence(two, name, data):
    forge(two / "step-000002", name, data)
    assert_falls_back(two, "step-000002")


def test_a_header_that_would_take_seconds_to_read_is_refused_at_once(two):
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({f"t{number}": entry for number in range(180_000)}).encode()
    forge(two / "step-000002", "model.json", b"{}")
    forge(two / "step-000002", "model.safetensors", len(header).to_bytes(8, "little") + header)
    assert_falls_back(two, "must have a header of at most 10000000 bytes")


def test_only_damaged_checkpoints_are_an_error_that_names_every_file_and_hash(two):
    for step in (1, 2):
        (two / f"step-00000{step}" / "state.json").write_bytes(
            b"x" * (two / f"step-00000{step}" / "state.json").stat().st_size
        )
    with pytest.raises(DamagedError, match="No intact checkpoint is left") as caught:
        load_checkpoint(two)
    message = str(caught.value)
    for step in (1, 2):
        assert f"step-00000{step}/state.json must have SHA-256" in message
    assert caught.value.exit_code == 74


@pytest.mark.parametrize("left", [[], ["step-1"], [".tmp-000001-ab"], ["step-000001.old"]])
def test_no_checkpoint_is_an_error_of_its_own(tmp_path, left):
    for name in left:
        (tmp_path / name).mkdir()
    with pytest.raises(StorageError, match="There is no checkpoint in") as caught:
        load_checkpoint(tmp_path)
    assert not isinstance(caught.value, DamagedError)
    with pytest.raises(StorageError, match="There is no checkpoint of step 5"):
        load_checkpoint(tmp_path / "absent", 5)


def test_nothing_is_ever_unpickled(two, monkeypatch):
    import pickle

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("unpickled")

    monkeypatch.setattr(pickle, "Unpickler", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    assert load_checkpoint(two).step == 2
