"""TF-IDF: texts as numbers, one for each frequent word, weighted by its rarity."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainwell.data.values.free_text import is_text, normalise
from trainwell.data.values.missing import Array

_MOST = 2000  # maximum number of words, most frequent first
_FEWEST = 2  # minimum number of training texts with a word


@dataclass(frozen=True)
class TfIdf:
    """TF-IDF vectors of unit norm (Salton and Buckley 1988), fitted on the training rows.

    Args:
        name: name of the column.
        words: the words, one input each.
        weights: weight of each word, ln((1 + texts) / (1 + texts with the word)) + 1.

    >>> fitted = TfIdf.fit("said", np.array(["a good day", "a bad day", "no good at all"], dtype=object))
    >>> fitted.words
    ('a', 'day', 'good')
    """

    name: str
    words: tuple[str, ...]
    weights: tuple[float, ...]

    @classmethod
    def fit(cls, name: str, values: Array) -> TfIdf | None:
        """Fit on the training rows; return None if the column has no texts or no word occurs in two of them."""
        if not is_text(values):
            return None
        counts = Counter(word for text in values.tolist() for word in set(normalise(text).split()))
        found = sorted((word for word, count in counts.items() if count >= _FEWEST), key=lambda w: (-counts[w], w))
        kept = tuple(found[:_MOST])
        weights = tuple(math.log((1 + len(values)) / (1 + counts[word])) + 1 for word in kept)
        return cls(name, kept, weights) if kept else None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(f"{self.name}: {word}" for word in self.words)

    def fill(self, values: Array, out: NDArray[np.float32]) -> None:
        """Write the inputs of (rows,) texts into (rows, words) zeros; a text without known words stays at 0."""
        number = {word: i for i, word in enumerate(self.words)}
        for row, text in enumerate(values.tolist()):
            counts = Counter(number[word] for word in normalise(str(text or "")).split() if word in number)
            for i, count in counts.items():
                out[row, i] = (1 + math.log(count)) * self.weights[i]
        # Scaled to the length of a row of standardised numbers, which initialisations assume.
        out *= math.sqrt(len(self.words)) / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
