"""Preparation of examples of one shape: a first stage per feature or channel, then optionally a rotation."""

from __future__ import annotations

import dataclasses
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainwell.core.errors import RecipeError
from trainwell.core.facts import InputFacts
from trainwell.data.kinds.kind import InputPreparation, Rows, Source, View
from trainwell.data.statistics.whitening import MEAN_IMAGE, ROTATED, LinearTransform, fit_transform
from trainwell.data.values.missing import Array
from trainwell.recipe.sections import DataRecipe

if TYPE_CHECKING:
    from torch import Tensor

Float32 = NDArray[np.float32]
Fitted = TypeVar("Fitted", bound="FixedSize")

FOR_ALL = ("standardise", "none", "centre", "scale", "min_max", *ROTATED)  # of `data.prepare`


@dataclass(frozen=True)
class FixedSize(InputPreparation):
    """The preparation of examples of one shape.

    Args:
        input_shape: shape of one prepared example.
        names: names of the prepared inputs; empty for images.
        rotation: second stage: the mean image subtracted, or a rotation; None: nothing.
        before: shape of an example before the rotation, where it changes the shape.
    """

    input_shape: tuple[int, ...]
    names: tuple[str, ...] = ()
    rotation: LinearTransform | None = None
    before: tuple[int, ...] = ()

    @property
    def facts(self) -> InputFacts:
        """Shape of one prepared example."""
        return InputFacts(self.input_shape)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the prepared inputs; empty for images."""
        return self.names

    @property
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of an example before the rotation."""
        return self.before or self.input_shape

    @property
    def augmentations(self) -> tuple[str, ...]:
        """All changes of images, where examples are (channels, height, width)."""
        if not self.facts.has_grid:
            return ()
        from trainwell.data.augment.augmentation import NAMES

        return NAMES

    @abstractmethod
    def first(self, raw: Any) -> Float32:
        """Return raw inputs after the first stage, (N, *raw_shape)."""

    def arrays(self, raw: Any) -> Mapping[str, Array]:
        """Return {"inputs": float32 (N, *input_shape)}, after both stages."""
        first = self.first(raw)
        if self.rotation is None:
            return {"inputs": first}
        return {"inputs": self.rotation(first).reshape(len(first), *self.input_shape)}

    def tensor(self, raw: Any) -> Tensor:
        """Return prepared inputs as a tensor that shares memory with the array."""
        import torch

        return torch.from_numpy(self.arrays(raw)["inputs"])

    def source(self, raw: Any) -> Source:
        """Prepare everything at once."""
        return Source({"inputs": self.tensor(raw)})

    def adopted(self, new: InputPreparation) -> InputPreparation | None:
        """Return this preparation, if the new data have inputs of the same kind and shape."""
        fits = type(new) is type(self) and new.facts == self.facts
        return self if fits else None

    def view(self, prepared: Array) -> list[View]:
        """Return named numbers, in the unit in which the network receives them."""
        flat = prepared.reshape(len(prepared), -1)
        names = self.names or tuple(f"x{number}" for number in range(flat.shape[1]))
        return [View(values=dict(zip(names, row.tolist(), strict=True))) for row in flat]

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss; empty "columns" are there for older readers."""
        plain = {"columns": (), **dataclasses.asdict(self)}
        plain["feature_names"] = plain.pop("names")
        return plain


def fields_of(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `FixedSize` from what `to_json` wrote.

    Raises:
        KeyError, TypeError: if something is missing or of the wrong type.
    """
    rotation = data.get("rotation")
    return {
        "input_shape": tuple(data["input_shape"]),
        "names": tuple(data.get("feature_names", ())),
        "rotation": LinearTransform(**rotation) if rotation else None,
        "before": tuple(data.get("before", ())),
    }


def with_rotation(fitted: Fitted, inputs: Any, *, rows: Rows, settings: DataRecipe) -> tuple[Fitted, tuple[str, ...]]:
    """Fit the second stage where the recipe asks for one.

    Returns:
        the preparation with its second stage, and a sentence about what was left out.
    Raises:
        RecipeError: if dimensions are to be kept and there is no rotation.
        DataError: if the statistics cannot be computed.
    """
    method = settings.prepare
    if method not in (*ROTATED, MEAN_IMAGE):
        if settings.components:
            raise RecipeError(
                [
                    f"data.components must be 0 with data.prepare = {method!r}, got {settings.components}. "
                    "Use 'decorrelate'."
                ]
            )
        return fitted, ()
    names = fitted.names or tuple(f"input {number}" for number in range(math.prod(fitted.input_shape)))
    rotation = fit_transform(
        lambda some: fitted.first(inputs[some]), rows, method=method, names=names, components=settings.components
    )
    if method in (MEAN_IMAGE, "whiten_zca"):
        return dataclasses.replace(fitted, rotation=rotation), ()
    remarks: tuple[str, ...] = ()
    if settings.components:
        share = f"{100 * rotation.kept:.1f} %"
        remarks = (f"{rotation.outputs} of {len(names):,} dimensions are kept: {share} of the variance.",)
    rotated = dataclasses.replace(
        fitted,
        rotation=rotation,
        before=fitted.input_shape,
        input_shape=(rotation.outputs,),
        names=tuple(f"component {number}" for number in range(1, rotation.outputs + 1)),
    )
    return rotated, remarks
