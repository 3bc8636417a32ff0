"""Texts in one array of bytes: a million short ones need memory for their bytes and one offset each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainwell.data.text.ragged import Array, Ragged


@dataclass(frozen=True)
class Texts:
    """Texts, indexed by rows.

    Args:
        encoded: UTF-8 bytes of each text.

    >>> texts = Texts.of(["one", "", "zwölf"])
    >>> len(texts), list(texts[np.array([2, 0])])
    (3, ['zwölf', 'one'])
    """

    encoded: Ragged

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> Texts:
        """Store texts; a missing one becomes empty."""
        parts = [(text or "").encode("utf-8", "surrogatepass") for text in texts]
        lengths = np.fromiter((len(part) for part in parts), np.int64, len(parts))
        offsets = np.concatenate([np.zeros(1, np.int64), lengths.cumsum()])
        return cls(Ragged(np.frombuffer(b"".join(parts), np.uint8), offsets))

    def __len__(self) -> int:
        return len(self.encoded)

    def __iter__(self) -> Iterator[str]:
        return (row.tobytes().decode("utf-8", "surrogatepass") for row in self.encoded)

    def __getitem__(self, rows: Array | slice) -> Texts:
        return Texts(self.encoded[rows])

    def text(self, row: int) -> str:
        """Return one text."""
        return self.encoded.row(row).tobytes().decode("utf-8", "surrogatepass")

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each text, (texts,)."""
        return self.encoded.lengths
