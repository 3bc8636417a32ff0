"""What a reader returns: examples as they were read, nothing fitted, nothing shuffled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainwell.core.errors import DataError, ShapeError
from trainwell.core.targets import CLASSES, LABEL_SETS, NUMBERS
from trainwell.data.kinds.kind import Kind
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import listing

# The values of `Examples.given`.
TRAIN = 0
VALIDATION = 1
TEST = 2

# An array larger than this is fingerprinted by as many bytes in evenly spaced blocks: 75 ms at 860 MB/s.
_HASHED_BYTES = 1 << 26
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Examples:
    """Inputs and targets with their names, checked once on construction.

    Args:
        name: of the data set, for messages.
        kind: one of `KINDS`: checks, prepares and shows the inputs.
        inputs: what the kind takes: a `Table`; uint8 (N, H, W, C) images, C = 1 or 3; float32 (N, ...); ...
        targets: int64 (N,) class numbers, float32 (N,) or (N, k) (float64 where float32 cannot tell them
            apart), or uint8 (N, k) of zeros and ones.
        target_type: what the targets are: CLASSES, NUMBERS or LABEL_SETS of `core/targets.py`, or a type that a task
            of your own learns.
        ids: a name for each example, for reports: its line or file.
        labels: names of the classes, in the order of their numbers; empty for regression.
        features: names of the inputs; empty for images.
        groups: (N,) numbers; examples with equal numbers are never in two splits.
        given: (N,) int8, the split that came with the data (0 train, 1 validation, 2 test), or None.
        remarks: sentences about what was inferred.
    Raises:
        DataError: if there is no example, a number is not finite, a class number is out of range or alone.
        ShapeError: if lengths differ.
    """

    name: str
    kind: Kind
    inputs: Any
    targets: Array
    target_type: str
    ids: Sequence[str] = field(repr=False)
    labels: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    groups: Array | None = None
    given: Array | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.targets):
            raise DataError(f"{self.name} has no examples.")
        parts = {"inputs": self.inputs, "ids": self.ids, "groups": self.groups, "given": self.given}
        for part, values in parts.items():
            if values is not None and len(values) != len(self.targets):
                raise ShapeError(
                    f"{self.name}: {part} and targets must have the same length, "
                    f"got {len(values):,} and {len(self.targets):,}. Give one target for each example."
                )
        if self._has_classes:
            self._check_classes()
        self.kind.check(self.inputs, name=self.name, ids=self.ids)
        self._check_targets()

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def class_numbers(self) -> Array | None:
        """The class of each example, (N,) int64, or None where there is no single class."""
        return self.targets if self._has_classes else None

    @property
    def numeric_target(self) -> bool:
        """Whether the targets are numbers."""
        return self.target_type == NUMBERS

    @property
    def _has_classes(self) -> bool:
        return self.target_type == CLASSES

    def fingerprint(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal, without names and remarks.

        Arrays of more than 64 MiB are sampled: 1,024 evenly spaced blocks of 64 KiB, the first and the last included.
        """
        digest = hashlib.sha256(repr((self.kind.name, self._recorded_type, self.labels, self.features)).encode())
        for values in (*self.kind.content(self.inputs), self.targets, self.groups, self.given):
            _hash(values, digest.update)
        return digest.hexdigest()

    @property
    def _recorded_type(self) -> str:
        """The name of the type in recorded fingerprints, which must not change."""
        if self._has_classes:
            return "binary" if len(self.labels) == 2 else "classify"
        return {NUMBERS: "regress", LABEL_SETS: "multilabel"}.get(self.target_type, self.target_type)

    def _check_classes(self) -> None:
        outside = (self.targets < 0) | (self.targets >= len(self.labels))
        if outside.any():
            raise DataError(
                f"{self.name}: class numbers must be between 0 and {len(self.labels) - 1}, "
                f"got {self.targets[outside][0]} in {listing(self.ids, outside)}. Correct the labels."
            )
        if np.ptp(self.targets) == 0:
            raise DataError(
                f"{self.name} has a single class, {self.labels[self.targets[0]]!r}: there is nothing to classify. "
                "Give examples of at least two classes, or choose another target."
            )

    def _check_targets(self) -> None:
        if self.targets.dtype.kind == "f" and not np.isfinite(self.targets).all():
            broken = np.array([not np.isfinite(target).all() for target in self.targets])
            raise DataError(
                f"The targets of {self.name} must be finite numbers, got NaN or infinity in "
                f"{listing(self.ids, broken)}. Correct or delete these examples."
            )


def _hash(values: Array | None, update: Callable[[bytes], object]) -> None:
    if values is None:
        update(b"none")
        return
    update(repr((values.dtype.str, values.shape)).encode())
    if values.dtype == object:
        update("\x1f".join("\x1e" if value is None else value for value in values).encode("utf-8", "surrogatepass"))
    elif values.nbytes <= _HASHED_BYTES:
        update(np.ascontiguousarray(values).tobytes())
    else:
        flat = values.reshape(-1).view(np.uint8)
        for start in np.linspace(0, flat.size - _BLOCK, _HASHED_BYTES // _BLOCK, dtype=np.int64):
            update(flat[start : start + _BLOCK].tobytes())
