"""Texts as sequences of tokens: words, characters or byte pairs, padded to the longest of a batch [A14, A18]."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from trainwell.core.errors import DataError, ShapeError
from trainwell.core.facts import Facts, InputFacts
from trainwell.data.kinds.kind import InputPreparation, Kind, Measurement, Rows, Source, View
from trainwell.data.statistics.tfidf import TfIdf
from trainwell.data.text.ragged import Ragged
from trainwell.data.text.texts import Texts
from trainwell.data.text.tokens import SPECIAL, UNKNOWN, Tokenizer
from trainwell.data.values.missing import Array
from trainwell.recipe.choice import Preset
from trainwell.recipe.sections import DataRecipe

if TYPE_CHECKING:
    from trainwell.core.batch import Batch

_MOST_COVERED = 0.98  # fraction of the training texts that are not truncated, unless data.max_length is set
_LONGEST = 512  # maximum number of tokens of a text, unless data.max_length is set
_MOST_COUNTED = 2000  # number of most frequent tokens that a linear model gets a column for
_SHOWN = 400  # letters of a text in a view


@final
@dataclass(frozen=True)
class TextPreparation(InputPreparation):
    """A vocabulary and a maximum length.

    Args:
        tokenizer: learned from the training texts.
        longest: maximum number of tokens of a text; longer ones are truncated.
    """

    tokenizer: Tokenizer
    longest: int

    @property
    def facts(self) -> InputFacts:
        """Size of the vocabulary and length of the longest sequence."""
        return InputFacts((self.longest,), vocabulary=len(self.tokenizer), max_length=self.longest)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """None: positions have no names."""
        return ()

    def encode(self, raw: Texts) -> Ragged:
        """Return the token ids of texts; <bos> comes first, so that no text is empty.

        Raises:
            ShapeError: if the inputs are not texts.
        """
        if not isinstance(raw, Texts):
            raise ShapeError("Inputs must be texts as in training, got another kind of example.")
        return self.tokenizer.encode(list(raw), begin=True)

    def arrays(self, raw: Texts) -> Mapping[str, Array]:
        """Return {"inputs": (N, length) int64 token ids, "mask": (N, length) bool}."""
        encoded = self.encode(raw)
        padded, mask = encoded.padded(np.arange(len(encoded)), longest=self.longest)
        return {"inputs": padded, "mask": mask}

    def source(self, raw: Texts) -> Source:
        """Tokenise everything once; every batch is padded to its longest text."""
        import torch

        from trainwell.core.batch import Batch

        encoded = self.encode(raw)

        def collate(rows: Rows) -> Batch:
            padded, mask = encoded.padded(rows, longest=self.longest)
            return Batch({"inputs": torch.from_numpy(padded), "mask": torch.from_numpy(mask)})

        return Source(collate=collate, lengths=np.minimum(encoded.lengths, self.longest))

    def adopted(self, new: InputPreparation) -> InputPreparation | None:
        """Return this preparation for any texts."""
        return self if isinstance(new, TextPreparation) else None

    def view(self, prepared: Array) -> list[View]:
        """Return the texts as the network sees them: rare words are <unk>."""
        return [View(values={"text": self.tokenizer.decode(row.tolist())[:_SHOWN]}) for row in prepared]

    def for_linear_model(self, prepared: Array) -> Array:
        """Return log(1 + count) of each of the most frequent tokens in a text."""
        columns = min(_MOST_COUNTED, len(self.tokenizer))
        counts = np.zeros((len(prepared), columns), dtype=np.float32)
        rows, places = np.nonzero((prepared >= len(SPECIAL)) & (prepared < columns))
        np.add.at(counts, (rows, prepared[rows, places]), 1)
        return np.log1p(counts)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return {"columns": (), "tokenizer": self.tokenizer.to_json(), "longest": self.longest}


@final
class TextKind(Kind):
    """Texts as sequences of tokens."""

    name = "text"
    units = "texts"
    description = "texts"
    preparations = ("standardise",)  # the default of a setting that concerns numbers

    def usual(self, facts: Facts) -> Preset:
        """Choose the convolutional network for sentences."""
        return {"nn.model": ("text_cnn", "texts: convolutions over neighbouring words (Kim 2014)")}

    def check(self, inputs: Texts, *, name: str, ids: Sequence[str]) -> None:
        """Raise if all texts are empty."""
        if not inputs.sizes.any():
            raise DataError(
                f"{name} must contain texts, but all {len(inputs):,} are empty. Give another column or folder."
            )

    def check_new(self, inputs: Texts, *, ids: Sequence[str]) -> None:
        """Accept all texts, including empty ones."""

    def given(self, values: Any) -> Texts:
        """Return a list of texts."""
        if isinstance(values, Texts):
            return values
        if isinstance(values, str) or not all(text is None or isinstance(text, str) for text in values):
            raise DataError(f"Inputs must be a list of texts, got {type(values).__name__}. Give one text per example.")
        return Texts.of(values)

    def content(self, inputs: Texts) -> Iterator[Array]:
        """Yield the bytes and the offset of each text."""
        yield inputs.encoded.values
        yield inputs.encoded.offsets

    def fit(
        self, inputs: Texts, rows: Rows, *, settings: DataRecipe, name: str, features: tuple[str, ...]
    ) -> tuple[TextPreparation, tuple[str, ...]]:
        """Learn the vocabulary from the training texts."""
        training = inputs[rows]
        tokenizer = Tokenizer.fit(
            training,
            settings.tokenisation or "words",
            size=settings.vocabulary,
            rarest=settings.rarest,
            lowercase=settings.lowercase,
        )
        encoded = tokenizer.encode(list(training), begin=True)
        longest = settings.max_length
        if not longest:
            longest = min(_LONGEST, max(1, int(np.quantile(encoded.lengths, _MOST_COVERED, method="higher"))))
        unknown = float((encoded.values == SPECIAL.index(UNKNOWN)).mean())
        cut = float((encoded.lengths > longest).mean())
        remarks = [f"The vocabulary has {len(tokenizer):,} tokens; {unknown:.1%} of the training tokens are unknown."]
        if cut:
            remarks.append(f"{cut:.1%} of the training texts are truncated to {longest:,} tokens (data.max_length).")
        return TextPreparation(tokenizer, longest), tuple(remarks)

    def load(self, data: Mapping[str, Any]) -> TextPreparation:
        """Return the preparation that `to_json` wrote."""
        return TextPreparation(Tokenizer.from_json(data["tokenizer"]), int(data["longest"]))

    def view(self, inputs: Texts, rows: Iterable[int], *, features: Sequence[str] = ()) -> list[View]:
        """Return the texts."""
        return [View(values={"text": inputs.text(int(row))[:_SHOWN]}) for row in rows]

    def measure(self, inputs: Texts, features: Sequence[str], *, most: int) -> dict[str, Measurement]:
        """Return the lengths."""
        return {"length": Measurement(inputs.sizes.astype(np.float64), is_quantity=False)}

    def identity(self, inputs: Texts) -> Array:
        """Return texts with equal ones numbered equally, (texts, 1)."""
        number: dict[bytes, int] = {}
        rows = (row.tobytes() for row in inputs.encoded)
        return np.array([[number.setdefault(row, len(number))] for row in rows], dtype=np.int64)

    def texts(self, inputs: Texts) -> list[tuple[str | None, ...]]:
        """Return the texts themselves."""
        return [(text or None,) for text in inputs]

    def flat(self, inputs: Texts, rows: Rows, *, name: str) -> Array:
        """Return the TF-IDF of the frequent words of each text."""
        values = np.array([text or None for text in inputs[rows]], dtype=object)
        fitted = TfIdf.fit("text", values)
        if fitted is None:
            return np.zeros((len(rows), 1), dtype=np.float32)
        out = np.zeros((len(rows), len(fitted.features)), dtype=np.float32)
        fitted.fill(values, out)
        return out
