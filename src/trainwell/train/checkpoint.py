"""Atomic checkpoints: files with verified hashes, committed by one rename.

    checkpoints/.tmp-000123-<random>/   every file written and fsynced, then the folder
    checkpoints/step-000123/            renamed to this, then the parent fsynced: the checkpoint is committed
        model.json                      the structure; tensors are written as {"$tensor": name}
        model.safetensors               the tensors
        MANIFEST.json                   format, step, and size and SHA-256 of every other file

`torch.load` and safetensors do not detect flipped bits; the manifest does. Nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load as read_tensors
from safetensors.torch import save_file
from torch import Tensor

from trainwell.core.errors import DamagedError, StorageError, UsageError
from trainwell.core.files import TEMPORARY, discard, fsync_folder, plain, storage_errors, write_durably
from trainwell.core.files import tidy as tidy

FORMAT = 1
_KEPT = 2  # always two checkpoints: a crash may have damaged the newest
_STEP = re.compile(r"step-(\d{6,18})")
_PART = re.compile(r"[a-z][a-z_]{0,40}")
_MANIFEST = "MANIFEST.json"
_MAX_MANIFEST = 1_000_000
_MAX_STRUCTURE = 100_000_000
_DTYPES = frozenset(
    {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2, torch.bool}
    | {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64}
    | {torch.complex64}
)
_MAX_HEADER = 10_000_000  # about 100,000 tensors; a header of 300,000 empty ones takes safetensors seconds to read


class Checkpoint(NamedTuple):
    """A loaded checkpoint.

    Args:
        step: number of steps taken.
        parts: saved data by part; tensors are on the CPU.
        skipped: one message for each newer, damaged checkpoint that was skipped.
    """

    step: int
    parts: dict[str, Any]
    skipped: tuple[str, ...] = ()


def save_checkpoint(
    folder: Path,
    state: Mapping[str, Mapping[str, object]],
    *,
    step: int,
    keep: Sequence[int] = (),
    warn: Callable[[str], None] | None = None,
) -> Path:
    """Save a checkpoint, and delete old ones once it is on disk.

    An intact checkpoint of the same step is not replaced; a damaged one is. The last two steps and those in `keep`
    are kept. Checkpoints of later steps are deleted, because they belong to the time before the run was resumed.

    Args:
        folder: the run's checkpoints folder; created, but not its parents.
        state: part ("model") to nested dicts, lists and tuples of tensors, numbers, strings and None.
        step: number of steps taken.
        keep: further steps to keep, such as the best.
        warn: called with a message for each checkpoint that could not be deleted; training continues.
    Returns:
        the folder of the checkpoint.
    Raises:
        StorageError: writing failed; older checkpoints are not changed.
        UsageError: `state` holds something that cannot be saved.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_checkpoint(Path(folder), {"state": {"epoch": 3, "loss": float("inf")}}, step=10)
    ...     load_checkpoint(Path(folder)).parts
    {'state': {'epoch': 3, 'loss': inf}}
    """
    final = folder / f"step-{step:06d}"
    with storage_errors(f"Saving the checkpoint {final}", folder):
        if not folder.is_dir():
            folder.mkdir()  # not its parents: a run that was deleted must not be partly recreated
            fsync_folder(folder.parent)
        if _is_intact(final):
            fsync_folder(folder)  # its writer may have been killed before it did
        else:
            _write(final, state, step=step)
    for sentence in _retain(folder, step, keep=keep):
        if warn is not None:
            warn(sentence)
    return final


def load_checkpoint(folder: Path, step: int | None = None) -> Checkpoint:
    """Load the newest intact checkpoint; every byte is verified before use.

    Args:
        folder: the run's checkpoints folder.
        step: load this one only.
    Raises:
        StorageError: there is no checkpoint, it cannot be read, or a newer trainwell wrote it.
        DamagedError: all are damaged; the message names the files.
    """
    skipped: list[str] = []
    with storage_errors(f"Listing the checkpoints in {folder}", folder):
        steps = _steps(folder)
    for number, path in reversed(steps):
        if step is not None and number != step:
            continue
        try:
            with storage_errors(f"Reading the checkpoint {path}", folder):
                return Checkpoint(number, _read(path), tuple(skipped))
        except DamagedError as problem:
            skipped.append(str(problem))
    name = "checkpoint" if step is None else f"checkpoint of step {step}"
    if skipped:
        raise DamagedError(f"No intact {name} is left in {plain(str(folder))}: {' '.join(skipped)}")
    raise StorageError(f"There is no {name} in {plain(str(folder))}.")


def _steps(folder: Path) -> list[tuple[int, Path]]:
    """List the committed checkpoints, oldest first."""
    if not folder.is_dir():
        return []
    named = [(_STEP.fullmatch(path.name), path) for path in folder.iterdir()]
    return sorted((int(match.group(1)), path) for match, path in named if match)


def _retain(folder: Path, step: int, *, keep: Sequence[int]) -> list[str]:
    """Delete old checkpoints; return a message for each that could not be deleted."""
    try:
        steps = _steps(folder)
    except OSError as problem:
        return [f"Old checkpoints in {plain(str(folder))} could not be listed: {problem.strerror}."]
    last = [number for number, _ in steps if number <= step][-_KEPT:]
    left = [discard(path) for number, path in steps if number not in last and number not in keep]
    return [sentence for sentence in left if sentence is not None]


# Writing ------------------------------------------------------------------------------------------------------------


def _write(final: Path, state: Mapping[str, Mapping[str, object]], *, step: int) -> None:
    folder = final.parent
    temporary = folder / f"{TEMPORARY}{step:06d}-{secrets.token_hex(4)}"
    temporary.mkdir()
    try:
        files: dict[str, dict[str, object]] = {}
        for part, value in state.items():
            for path in _write_part(temporary, part, value=value):
                files[path.name] = _fingerprint(path)
        write_durably(temporary / _MANIFEST, _manifest(step, files))
        fsync_folder(temporary)
        if final.exists() and (sentence := discard(final)) is not None:
            raise StorageError(f"The damaged checkpoint {plain(str(final))} cannot be replaced: {sentence}")
        os.rename(temporary, final)
        try:
            fsync_folder(folder)
        except OSError:
            # After a failed fsync the page cache may hold data that never reached the disk: delete the checkpoint.
            with contextlib.suppress(OSError):
                os.rename(final, temporary)
            raise
    except BaseException:
        discard(temporary)
        raise


def _write_part(folder: Path, part: str, *, value: Mapping[str, object]) -> list[Path]:
    if not _PART.fullmatch(part):
        raise UsageError(f"The name of a part must consist of lower-case letters and underscores, got {part!r}.")
    packer = _Packer()
    text = json.dumps(packer.pack(value), allow_nan=False, separators=(",", ":"))
    structure = folder / f"{part}.json"
    weights = folder / f"{part}.safetensors"
    write_durably(structure, text.encode())
    if not packer.tensors:
        return [structure]
    save_file(packer.tensors, weights)
    with open(weights, "rb+") as file:
        if int.from_bytes(file.read(8), "little") > _MAX_HEADER:
            raise UsageError(f"Part {part!r} has too many tensors: {len(packer.tensors)}.")
        os.fsync(file.fileno())
    shutil.copymode(structure, weights)  # safetensors makes files readable by their owner only
    return [structure, weights]


def _fingerprint(path: Path) -> dict[str, object]:
    with open(path, "rb") as file:
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _manifest(step: int, files: Mapping[str, Mapping[str, object]]) -> bytes:
    return _signed({"format": FORMAT, "step": step, "torch": str(torch.__version__), "files": files})


def _signed(body: Mapping[str, object]) -> bytes:
    """Render a manifest with its own hash, in the canonical form that the reader accepts."""
    digest = hashlib.sha256(json.dumps(body, indent=1).encode()).hexdigest()
    return json.dumps({**body, "sha256": digest}, indent=1).encode()


# Reading ------------------------------------------------------------------------------------------------------------


def _is_intact(path: Path) -> bool:
    """Tell whether a checkpoint exists and is intact."""
    try:
        for name, expected in _read_manifest(path).items():
            _read_bytes(path / name, expected)
    except (DamagedError, FileNotFoundError):
        return False
    return True


def _read(path: Path) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    files = _read_manifest(path)
    for name, expected in files.items():
        part, _, kind = name.partition(".")
        if kind != "json":
            continue
        structure = _read_bytes(path / name, expected, limit=_MAX_STRUCTURE)
        weights = f"{part}.safetensors"
        data = _read_bytes(path / weights, files[weights]) if weights in files else b""
        if int.from_bytes(data[:8], "little") > _MAX_HEADER:
            raise DamagedError(f"{plain(str(path / weights))} must have a header of at most {_MAX_HEADER} bytes.")
        try:
            parts[part] = _unpack(json.loads(structure), read_tensors(data) if data else {})
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            raise DamagedError(f"{plain(str(path / name))} is damaged: {plain(repr(problem))}.") from problem
    return parts


def _read_manifest(path: Path) -> dict[str, dict[str, Any]]:
    """Return the files of a checkpoint listed in its manifest, after checking that exactly these exist."""
    shown = plain(str(path))
    if path.is_symlink() or not path.is_dir():
        if not path.exists():
            raise FileNotFoundError(errno.ENOENT, "no such checkpoint", str(path))
        raise DamagedError(f"{shown} must be a folder, not a link or a file.")
    entries = {entry.name: entry.is_file(follow_symlinks=False) for entry in os.scandir(path)}
    if not entries.get(_MANIFEST):
        raise DamagedError(f"{shown} has no {_MANIFEST}.")
    text = _read_bytes(path / _MANIFEST, None, limit=_MAX_MANIFEST)
    try:
        manifest = json.loads(text)
        body = {key: value for key, value in manifest.items() if key != "sha256"}
        if _signed(body) != text:
            raise ValueError("its hash does not match")
    except (ValueError, AttributeError, RecursionError) as problem:
        raise DamagedError(f"{shown}/{_MANIFEST} is damaged: {plain(str(problem))}.") from None
    if body.get("format") != FORMAT:
        raise StorageError(
            f"{shown} must have format {FORMAT}, got {plain(repr(body.get('format')))}: "
            "it was written by another version of trainwell. Install that version to read it."
        )
    files = body.get("files")
    if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
        raise DamagedError(f"{shown}/{_MANIFEST} must list the files of the checkpoint.")
    if body.get("step") != int(path.name.removeprefix("step-")):
        raise DamagedError(
            f"{shown} must be the checkpoint of step {plain(repr(body.get('step')))}, as in its {_MANIFEST}."
        )
    if {*files, _MANIFEST} != {*entries} or not all(entries.values()):
        raise DamagedError(
            f"{shown} must contain exactly the files listed in its {_MANIFEST}, got {plain(repr(sorted(entries)))}."
        )
    return files


def _read_bytes(path: Path, expected: Mapping[str, Any] | None, *, limit: int | None = None) -> bytes:
    """Read a file, verify its size and hash, and return the verified bytes."""
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if expected is not None and size != expected.get("bytes"):
                raise DamagedError(f"{plain(str(path))} must have {expected.get('bytes')} bytes, got {size}.")
            if limit is not None and size > limit:
                raise DamagedError(f"{plain(str(path))} must have at most {limit} bytes, got {size}.")
            data = file.read()
    except OSError as problem:
        if problem.errno not in (errno.EIO, errno.ENOENT, errno.ELOOP):
            raise
        raise DamagedError(f"{plain(str(path))} cannot be read: {problem.strerror}.") from problem
    digest = hashlib.sha256(data).hexdigest()
    if expected is not None and digest != expected.get("sha256"):
        raise DamagedError(f"{plain(str(path))} must have SHA-256 {expected.get('sha256')}, got {digest}.")
    return data


# Structure ----------------------------------------------------------------------------------------------------------


class _Packer:
    """Separates nested data into JSON and tensors by name, no two of which share memory."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._names: dict[tuple[object, ...], str] = {}
        self._storages: set[int] = set()

    def pack(self, value: object, path: str = "") -> object:
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if value is None or isinstance(value, (bool, int, str)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"$float": repr(float(value))}
        if isinstance(value, (list, tuple)):
            items = [self.pack(item, f"{path}.{index}") for index, item in enumerate(value)]
            return items if isinstance(value, list) else {"$tuple": items}
        if isinstance(value, Mapping):
            packed = [(key, self.pack(item, f"{path}.{key}" if path else str(key))) for key, item in value.items()]
            if all(type(key) is str and not key.startswith("$") for key in value):
                return dict(packed)
            return {"$dict": [[self.pack(key), item] for key, item in packed]}
        raise UsageError(
            f"A checkpoint can only contain tensors and plain data, got {type(value).__name__} at {plain(path)!r}."
        )

    def _tensor(self, tensor: Tensor, path: str) -> dict[str, object]:
        if tensor.dtype not in _DTYPES or tensor.layout != torch.strided or tensor.device.type == "meta":
            kind = f"{tensor.layout} of {tensor.dtype} on {tensor.device}"
            raise UsageError(f"A checkpoint can only contain dense tensors with values, got {kind} at {plain(path)!r}.")
        place = (tensor.device, tensor.untyped_storage().data_ptr(), tensor.storage_offset(), tensor.dtype)
        identity = (*place, tensor.shape, tensor.stride(), tensor.is_conj(), tensor.is_neg())
        if identity not in self._names:
            name = path.encode(errors="replace").decode()
            while name in self.tensors or name == "__metadata__":
                name += "+"
            packed = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()
            if packed.untyped_storage().data_ptr() in self._storages:
                packed = packed.clone()
            self._storages.add(packed.untyped_storage().data_ptr())
            self.tensors[name] = packed
            self._names[identity] = name
        node: dict[str, object] = {"$tensor": self._names[identity]}
        # Fused optimizers match a weight and its state by position in memory: keep the channels-last format.
        order = sorted(range(tensor.dim()), key=lambda axis: -tensor.stride()[axis])
        if not tensor.is_contiguous() and tensor.permute(order).is_contiguous():
            node["order"] = order
        return node


def _unpack(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Reassemble the data that `_Packer` separated."""
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        tensor = tensors[value["$tensor"]]
        if "order" not in value:
            return tensor
        order = value["order"]
        if sorted(order) != list(range(tensor.dim())):
            raise ValueError(f"order must be a permutation of {tensor.dim()} axes, got {order}")
        return tensor.permute(order).contiguous().permute([order.index(axis) for axis in range(len(order))])
    if "$tuple" in value:
        return tuple(_unpack(value["$tuple"], tensors))
    if "$dict" in value:
        return {_unpack(key, tensors): _unpack(item, tensors) for key, item in value["$dict"]}
    if "$float" in value:
        return float(value["$float"])
    return {key: _unpack(item, tensors) for key, item in value.items()}
