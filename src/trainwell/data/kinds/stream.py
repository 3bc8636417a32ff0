"""Windows of one long text, in the order of the text, for language models [A15]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from trainwell.core.errors import DataError, ShapeError, UsageError
from trainwell.core.facts import Facts, InputFacts
from trainwell.data.kinds.kind import InputPreparation, Kind, Measurement, Rows, Source, View
from trainwell.data.text.stream import StreamCode, Windows
from trainwell.data.text.tokens import SPECIAL, UNKNOWN
from trainwell.data.values.missing import Array
from trainwell.recipe.choice import Preset
from trainwell.recipe.sections import DataRecipe

_SHOWN = 400  # characters of a window in a view


@final
@dataclass(frozen=True)
class StreamPreparation(InputPreparation):
    """A vocabulary, and how many tokens a window holds.

    Args:
        learned: the vocabulary of the training block.
        context: tokens of a window.
    """

    learned: StreamCode
    context: int

    @property
    def code(self) -> StreamCode:
        """How a running text becomes tokens and back."""
        return self.learned

    @property
    def facts(self) -> InputFacts:
        """Size of the vocabulary and length of a window."""
        return InputFacts((self.context,), vocabulary=len(self.code), max_length=self.context)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """None: positions have no names."""
        return ()

    def arrays(self, raw: Windows) -> Mapping[str, Array]:
        """Return {"inputs": (N, context) int64 token ids}.

        Raises:
            ShapeError: if the inputs are not windows of a text.
        """
        if not isinstance(raw, Windows):
            raise ShapeError("Inputs must be windows of a text as in training, got another kind of example.")
        return {"inputs": raw.tokens.astype(np.int64)}

    def source(self, raw: Windows) -> Source:
        """Gather windows; their tokens become int64 in each batch only."""
        return Source(tensors={"inputs": raw.tokens}, finish=lambda batch: batch.replace(inputs=batch.inputs.long()))

    def adopted(self, new: InputPreparation) -> InputPreparation | None:
        """Return this preparation for a text with the same vocabulary; None for another one."""
        return self if self.to_json() == new.to_json() else None

    def view(self, prepared: Array) -> list[View]:
        """Return the text as the network sees it: rare tokens are <unk>."""
        return [View(values={"text": self.code.decode(row)[:_SHOWN]}) for row in prepared]

    def for_linear_model(self, prepared: Array) -> Array:
        """Return the tokens, whose counts the baselines need."""
        return prepared

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return {"columns": (), "code": self.code.to_json(), "context": self.context}


@final
class StreamKind(Kind):
    """Windows of one long text."""

    name = "stream"
    units = "windows of text"
    description = "windows of a text"
    preparations = ("standardise",)  # the default of a setting that concerns numbers
    repeats_by_chance = True

    def usual(self, facts: Facts) -> Preset:
        """Choose a recurrent network."""
        return {"nn.model": ("lstm", "processes a text in order, at low cost per token")}

    def check(self, inputs: Windows, *, name: str, ids: Sequence[str]) -> None:
        """Accept any windows: the reader has checked the text."""

    def check_new(self, inputs: Windows, *, ids: Sequence[str]) -> None:
        """Accept any windows."""

    def given(self, values: Any) -> Windows:
        """Raise: a language model continues a text."""
        if not isinstance(values, Windows):
            self.check_predicts()
        windows: Windows = values
        return windows

    def check_predicts(self) -> None:
        """Raise for inputs to predict: a language model continues a text."""
        raise UsageError(
            "A language model predicts the next token, not a value for each input. Sample text from it: "
            "trainwell generate RUN --prompt TEXT"
        )

    def content(self, inputs: Windows) -> Iterator[Array]:
        """Yield the tokens."""
        yield inputs.tokens

    def fit(
        self, inputs: Windows, rows: Rows, *, settings: DataRecipe, name: str, features: tuple[str, ...]
    ) -> tuple[StreamPreparation, tuple[str, ...]]:
        """Keep the vocabulary, which the reader has learned from the training block."""
        training = inputs.tokens[rows]
        if not training.size:
            raise DataError(f"{name} must have windows to train on, got none. Give a longer text.")
        held_out = np.delete(inputs.tokens, rows, axis=0)
        unknown = float((held_out == SPECIAL.index(UNKNOWN)).mean()) if held_out.size else 0.0
        remark = (
            f"The vocabulary has {len(inputs.code):,} tokens, from the training block; {unknown:.2%} of the other "
            "tokens are unknown."
        )
        return StreamPreparation(inputs.code, inputs.tokens.shape[1]), (remark,)

    def load(self, data: Mapping[str, Any]) -> StreamPreparation:
        """Return the preparation that `to_json` wrote."""
        return StreamPreparation(StreamCode.from_json(data["code"]), int(data["context"]))

    def view(self, inputs: Windows, rows: Iterable[int], *, features: Sequence[str] = ()) -> list[View]:
        """Return the texts of windows."""
        return [View(values={"text": inputs.code.decode(inputs.tokens[int(row)])[:_SHOWN]}) for row in rows]

    def measure(self, inputs: Windows, features: Sequence[str], *, most: int) -> dict[str, Measurement]:
        """Return the fraction of unknown tokens."""
        unknown = (inputs.tokens == SPECIAL.index(UNKNOWN)).mean(axis=1, dtype=np.float64)
        return {"unknown": Measurement(unknown, is_quantity=False)}

    def identity(self, inputs: Windows) -> Array:
        """Return the tokens."""
        return inputs.tokens.astype(np.int64)

    def flat(self, inputs: Windows, rows: Rows, *, name: str) -> Array:
        """Return the tokens of each window."""
        return inputs.tokens[rows].astype(np.float32)
