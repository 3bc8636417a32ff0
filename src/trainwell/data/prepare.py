"""Inputs as the network sees them, with statistics fitted on the training split only.

A `Preparation` is plain numbers: it is stored as JSON with the model and applied to new rows at prediction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainwell.core.errors import DataError, RecipeError, TrainwellError
from trainwell.core.facts import InputFacts
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS, InputPreparation, Kind
from trainwell.data.values.missing import Array
from trainwell.recipe.sections import DataRecipe

if TYPE_CHECKING:
    from trainwell.core.batch import Batch


@dataclass(frozen=True)
class Preparation:
    """A preparation fitted on the training split, and applied to every split and to new examples.

    Args:
        kind: kind of the examples.
        fitted: the preparation of the inputs.
        remarks: remarks about omitted inputs.
    """

    kind: Kind
    fitted: InputPreparation
    remarks: tuple[str, ...] = ()

    @classmethod
    def fit(cls, examples: Examples, train: Array, *, recipe: DataRecipe) -> Preparation:
        """Fit on the training examples only.

        Args:
            examples: all examples.
            train: numbers of the training examples.
            recipe: `prepare` and `components` are read.
        Raises:
            RecipeError: if the preparation does not apply to the kind of examples.
            DataError: if there is nothing to learn from, or the statistics cannot be computed.
        """
        kind = examples.kind
        if recipe.prepare not in kind.preparations:
            raise RecipeError(
                [
                    f"data.prepare must be one of {', '.join(map(repr, kind.preparations))} for {kind.description}, "
                    f"got {recipe.prepare!r}. Use 'standardise'."
                ]
            )
        fitted, remarks = kind.fit(
            examples.inputs, train, settings=recipe, name=examples.name, features=examples.features
        )
        return cls(kind, fitted, remarks)

    @property
    def facts(self) -> InputFacts:
        """Facts about one prepared example, for building a network."""
        return self.fitted.facts

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one prepared example."""
        return self.facts.shape

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the prepared inputs; empty where single numbers have none."""
        return self.fitted.feature_names

    def inputs(self, raw: Any) -> Array:
        """Prepare raw inputs.

        Args:
            raw: as `Examples.inputs`: a table with at least the training columns, images (N, H, W, C), arrays.
        Returns:
            float32 (N, features), (N, C, H, W) or the array's own shape.
        Raises:
            DataError: if a column is missing or contains text instead of numbers.
            ShapeError: if examples have another shape than in training.
        """
        return self.fitted.arrays(raw)["inputs"]

    def batch(self, raw: Any) -> Batch:
        """Prepare raw inputs as one batch without targets, with everything that the network needs.

        Raises:
            DataError, ShapeError: as `inputs`.
        """
        import torch

        from trainwell.core.batch import Batch

        return Batch({name: torch.from_numpy(values) for name, values in self.fitted.arrays(raw).items()})

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return {**self.fitted.to_json(), "kind": self.kind.name, "remarks": self.remarks}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Preparation:
        """Return the preparation that `to_json` wrote.

        Raises:
            DataError: if the data are not a valid preparation.
        """
        try:
            kind = KINDS[data["kind"]]
            return cls(kind, kind.load(data), tuple(data["remarks"]))
        except (KeyError, TypeError, TrainwellError) as problem:
            raise DataError(f"The stored preparation cannot be read: {problem}. Train the model again.") from None
