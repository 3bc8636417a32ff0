"""The files of a trained network, `model/`: weights, preparation of inputs, description of targets.

Each file is written atomically; reading verifies it and raises an error if it is damaged.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainwell.core.errors import DamagedError, StorageError
from trainwell.core.files import atomic_write, storage_errors
from trainwell.core.targets import TargetFacts
from trainwell.data import Preparation
from trainwell.runs import Run

WEIGHTS = "weights.safetensors"
PREPARATION = "preparation.json"
_FORMAT = 2  # format 1 had the description of the targets in "preparation"
_REPAIR = "Restore the file or train again."
_ROWS = 12  # rows of a table of differences: enough to recognise the architecture


def save_model(folder: Path, model: nn.Module, *, preparation: Preparation | None, targets: TargetFacts) -> None:
    """Write `model/`.

    Args:
        folder: the run's folder.
        model: the network with its best weights.
        preparation: fitted on the training split; None where the user made the batches.
        targets: description of the targets.
    """
    from safetensors.torch import save

    target = folder / "model"
    # The format does not allow tied weights to share memory: each name gets its own copy.
    weights = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    described = {
        "format": _FORMAT,
        "labels": list(targets.labels),
        "preparation": preparation.to_json() if preparation else None,
        "targets": targets.to_json(),
    }
    with storage_errors(f"Writing {target}", folder):
        target.mkdir(exist_ok=True)
        atomic_write(target / WEIGHTS, save(weights, {"sha256": checksum(weights)}))
        atomic_write(target / PREPARATION, json.dumps(described))


def weights_path(run: Run) -> Path:
    """Return the path of a run's trained weights.

    Raises:
        StorageError: if the run has none yet.
    """
    path = run.path / "model" / WEIGHTS
    if not path.is_file():
        raise StorageError(
            f"The run {run.path} has no trained network yet (status: {run.status}). Finish or resume it first."
        )
    return path


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read weights from a file.

    Raises:
        DamagedError: if the file cannot be read, has non-finite values, or does not match its checksum.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            weights: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            written = (file.metadata() or {}).get("sha256")
    except (SafetensorError, OSError) as problem:
        raise DamagedError(f"Cannot read the weights file {path}: {problem}. {_REPAIR}") from None
    broken = [n for n, tensor in weights.items() if tensor.is_floating_point() and not torch.isfinite(tensor).all()]
    if broken:
        raise DamagedError(f"The weights file {path} has non-finite values in {broken[0]}. {_REPAIR}")
    if written and written != checksum(weights):
        raise DamagedError(f"The weights file {path} is damaged: its checksum does not match. {_REPAIR}")
    return weights


def checksum(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of all names, types, shapes and values; safetensors does not detect flipped bits.

    >>> checksum({"a": torch.zeros(2)})[:8]
    'adeec4e3'
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(weights.items()):
        digest.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_preparation(run: Run) -> Preparation:
    """Read the preparation of a run's inputs; errors as for `read_description`."""
    return read_description(run)[0]


def read_description(run: Run) -> tuple[Preparation, TargetFacts]:
    """Read the preparation of a run's inputs, and the description of its targets.

    Raises:
        StorageError: if the user made the run's batches, so that there is no preparation.
        DamagedError: if the description is damaged.
    """
    path = run.path / "model" / PREPARATION
    with storage_errors(f"Reading {path}", run.path):
        content = path.read_bytes() if path.is_file() else None
    if content is None:
        raise StorageError(
            f"The run {run.path} has no trained network yet (status: {run.status}). Finish or resume it first."
        )
    try:
        described: dict[str, Any] = json.loads(content)
        if described["preparation"] is not None:
            return Preparation.from_json(described["preparation"]), _target_facts(described)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise DamagedError(f"{path} is damaged: {problem}. Restore the file or train again.") from None
    raise StorageError(
        f"The run {run.path} was trained on batches made in Python. Pass your network: run.model(network)."
    )


def _target_facts(described: Mapping[str, Any]) -> TargetFacts:
    if "targets" in described:
        return TargetFacts.from_json(described["targets"])
    before = described["preparation"]  # format 1 kept them there
    mean = tuple(before["target_mean"])
    labels = tuple(before["labels"])
    return TargetFacts(len(mean or labels), labels, mean, tuple(before["target_std"]))


def mismatch(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> list[tuple[str, str, str]]:
    """Return (name, expected shape, actual shape) of every tensor that does not match.

    >>> mismatch({"a": torch.zeros(2)}, {"a": torch.zeros(3), "b": torch.zeros(1)})
    [('a', '(3,)', '(2,)'), ('b', '(1,)', 'nothing')]
    """
    rows = []
    for name in sorted(found.keys() | expected.keys()):
        has = str(tuple(found[name].shape)) if name in found else "nothing"
        needs = str(tuple(expected[name].shape)) if name in expected else "nothing"
        if has != needs:
            rows.append((name, needs, has))
    return rows


def table(rows: list[tuple[str, str, str]]) -> str:
    """Format a mismatch as the lines of a table.

    >>> print(table([("a", "(3,)", "(2,)")]))
      name  expected  found
      a     (3,)      (2,)
    """
    shown = [("name", "expected", "found"), *rows[:_ROWS]]
    widths = [max(len(row[column]) for row in shown) for column in range(2)]
    lines = [f"  {name:<{widths[0]}}  {needs:<{widths[1]}}  {has}".rstrip() for name, needs, has in shown]
    return "\n".join(lines + ([f"  and {len(rows) - _ROWS} more"] if len(rows) > _ROWS else []))
