"""The interface of a kind of example; no other code depends on the name of a kind.

A new kind is one file with a final class of `Kind` (and one of `InputPreparation`), and one line in `KINDS`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainwell.core.facts import Facts, InputFacts
from trainwell.core.finding import Finding
from trainwell.data.values.missing import Array
from trainwell.recipe.choice import Preset
from trainwell.recipe.sections import DataRecipe

if TYPE_CHECKING:
    from torch import Tensor

    from trainwell.core.batch import Batch
    from trainwell.data.text.stream import StreamCode

Rows = NDArray[np.int64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """One example for display: as pixels, or as named values.

    Args:
        pixels: (height, width, channels) uint8 with 1 or 3 channels, or None.
        values: name to number, text or None where missing; empty for an image.
    """

    pixels: Pixels | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


class Measurement(NamedTuple):
    """One number of every example.

    Args:
        values: (examples,) float64, NaN where missing.
        is_quantity: whether the numbers are the data's own, so that one far from all others may be a mistake; not a
            category's rank or a length.
    """

    values: NDArray[np.float64]
    is_quantity: bool = True


@dataclass(frozen=True)
class Source:
    """The source of batches.

    Args:
        tensors: tensors or arrays by name with the example as first axis.
        collate: makes a batch from (batch,) example numbers; used instead of `tensors` where lengths vary.
        finish: applied to every batch, or None; it draws no random numbers.
        lengths: (examples,) positions of each, by which batches of similar lengths are made; None: they do not vary.
    """

    tensors: Mapping[str, Tensor | Array] = field(default_factory=dict)
    collate: Callable[[Rows], Batch] | None = None
    finish: Callable[[Batch], Batch] | None = None
    lengths: NDArray[np.int64] | None = None


class InputPreparation(ABC):
    """A preparation fitted on the training inputs: plain data that prepares any inputs of its kind."""

    @property
    @abstractmethod
    def facts(self) -> InputFacts:
        """Facts about one prepared example, for building a network."""

    @property
    @abstractmethod
    def feature_names(self) -> tuple[str, ...]:
        """Names of the prepared inputs; empty where single numbers have none."""

    @abstractmethod
    def arrays(self, raw: Any) -> Mapping[str, Array]:
        """Prepare raw inputs; the result has "inputs" and everything else a batch needs.

        Raises:
            DataError: if something is missing or of the wrong type.
            ShapeError: if examples have another shape than in training.
        """

    @abstractmethod
    def source(self, raw: Any) -> Source:
        """Return the source of batches of these raw inputs, without targets."""

    @abstractmethod
    def adopted(self, new: InputPreparation) -> InputPreparation | None:
        """Return this preparation for the data of another one; None if they do not match."""

    @property
    def code(self) -> StreamCode | None:
        """How a running text becomes tokens and back, where a network continues texts; None for all other inputs."""
        return None

    def published(self, mean: tuple[float, ...], std: tuple[float, ...]) -> InputPreparation | None:
        """Return the preparation with which a published network was trained; None if its inputs are not of this kind.

        Args:
            mean: of each of three channels, on [0, 1].
            std: of each of three channels.
        """
        return None

    @abstractmethod
    def view(self, prepared: Array) -> list[View]:
        """Return prepared inputs for display, with the preparation undone where possible."""

    def for_linear_model(self, prepared: Array) -> Array:
        """Return prepared inputs, (batch, ...), as the inputs of a linear model, (batch, columns)."""
        return prepared.reshape(len(prepared), -1)

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""

    @property
    def augmentations(self) -> tuple[str, ...]:
        """Names of the label-preserving augmentations."""
        return ()

    @property
    def colours(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and deviation of each channel by which pixels on [0, 1] were standardised; of one channel for all."""
        return (0.0,), (1.0,)

    @property
    def channel_affine(self) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """(scale, shift), (channels,) each, where `raw * scale + shift` is the whole preparation; else None."""
        return None


class Kind(ABC):
    """A kind of example: it checks, prepares, batches, measures and shows its own inputs.

    Attributes:
        name: in the catalogue and in files.
        units: plural noun for counts of examples: "images".
        description: for error messages: "expected images, got rows of a table".
        preparations: valid values of `data.prepare`.
        is_spatial: whether examples are images, (N, H, W, C) uint8, whose neighbouring pixels belong together:
            saliency maps, sliding windows and near-duplicates need that.
        repeats_by_chance: whether two examples may be equal without being duplicates.
        has_columns: whether each number of an example has its own meaning, so that a single one can leak the target.
    """

    name: ClassVar[str]
    units: ClassVar[str]
    description: ClassVar[str]
    preparations: ClassVar[tuple[str, ...]]
    is_spatial: ClassVar[bool] = False
    repeats_by_chance: ClassVar[bool] = False
    has_columns: ClassVar[bool] = False

    def __repr__(self) -> str:
        return f"<kind {self.name}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by class: every kind is one object without state."""
        return type(self), ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    # Raw inputs.

    @abstractmethod
    def check(self, inputs: Any, *, name: str, ids: Sequence[str]) -> None:
        """Raise for inputs that cannot be used.

        Raises:
            DataError: if a number is not finite, with the examples concerned.
        """

    @abstractmethod
    def check_new(self, inputs: Any, *, ids: Sequence[str]) -> None:
        """Raise for new inputs, for prediction, that cannot be used; as `check`."""

    def given(self, values: Any) -> Any:
        """Convert inputs from Python, without targets, to raw inputs of this kind.

        Raises:
            DataError: if they are of another kind.
        """
        return values

    def check_predicts(self) -> None:
        """Refuse to read inputs to predict on, where a network of this kind is used in another way.

        Raises:
            UsageError: with the command that is meant.
        """
        return None

    @abstractmethod
    def content(self, inputs: Any) -> Iterator[Array]:
        """Yield the arrays that make up the inputs, for the fingerprint."""

    def shape(self, inputs: Any, prepare: str) -> tuple[int, ...]:
        """Return the shape in which a network receives images prepared like that; () for all other kinds.

        Defaults depend on it: images large enough for convolutions get a convolutional network.
        """
        return ()

    def usual(self, facts: Facts) -> Preset:
        """Return default settings for examples of this kind, with a reason each.

        Args:
            facts: facts before fitting: task, shape, sizes.
        """
        return {}

    # Preparation and batches.

    @abstractmethod
    def fit(
        self, inputs: Any, rows: Rows, *, settings: DataRecipe, name: str, features: tuple[str, ...]
    ) -> tuple[InputPreparation, tuple[str, ...]]:
        """Fit on the training rows only.

        Args:
            inputs: all raw inputs.
            rows: numbers of the training examples.
            settings: `prepare` and `components` are read.
            name: of the data set, for messages.
            features: names of the raw inputs.
        Returns:
            the fitted preparation, and remarks about omitted inputs.
        Raises:
            DataError: if there is nothing to learn from, or statistics cannot be computed.
        """

    @abstractmethod
    def load(self, data: Mapping[str, Any]) -> InputPreparation:
        """Return the preparation that `InputPreparation.to_json` wrote; other keys are ignored.

        Raises:
            KeyError, TypeError: if it is not one.
        """

    def collate(self, parts: Sequence[Mapping[str, Tensor]]) -> Batch:
        """Make a batch of single prepared examples; a kind whose lengths vary pads and masks here."""
        import torch

        from trainwell.core.batch import Batch

        return Batch({name: torch.stack([part[name] for part in parts]) for name in parts[0]})

    # For readers and the audit.

    @abstractmethod
    def view(self, inputs: Any, rows: Iterable[int], *, features: Sequence[str] = ()) -> list[View]:
        """Return some examples for display.

        Args:
            inputs: all raw inputs.
            rows: numbers of the examples.
            features: names of the raw inputs, where they have some.
        """

    @abstractmethod
    def measure(self, inputs: Any, features: Sequence[str], *, most: int) -> dict[str, Measurement]:
        """Return at most `most` named numbers of every example that can be compared between splits."""

    @abstractmethod
    def identity(self, inputs: Any) -> Array:
        """Return (examples, numbers) with equal bytes if and only if examples are equal."""

    def numbers(self, inputs: Any) -> NDArray[np.float64] | None:
        """Return (examples, numbers) for finding rows equal up to rounding; None if that does not apply."""
        return None

    def pixels(self, inputs: Any) -> Pixels | None:
        """Return (examples, height, width, channels) for finding near-duplicates; None if not images."""
        return None

    def texts(self, inputs: Any) -> list[tuple[str | None, ...]] | None:
        """Return the text of each example, None where missing; None if examples have no text."""
        return None

    def flat(self, inputs: Any, rows: Rows, *, name: str) -> Array:
        """Return (rows, features) numbers for a decision tree."""
        array: Array = np.asarray(inputs[rows]).reshape(len(rows), -1)
        return array

    def constant_features(self, inputs: Any, rows: Rows, *, features: Sequence[str]) -> Iterator[str]:
        """Yield the names of the inputs that never vary over some rows."""
        return iter(())

    def findings(self, inputs: Any, *, ids: Sequence[str], measured: Mapping[str, Measurement]) -> Iterator[Finding]:
        """Yield findings that are specific to this kind."""
        return iter(())
