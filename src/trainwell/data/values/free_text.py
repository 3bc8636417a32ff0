"""Free text in columns: which columns hold it, and when two texts are the same."""

from __future__ import annotations

import unicodedata

from trainwell.data.values.missing import Array, missing

_WORDS = 3  # minimum mean number of words; shorter values are categories
_DIFFERENT = 0.5  # minimum fraction of distinct values; columns with fewer are categories


def is_text(values: Array) -> bool:
    """Return whether a column is free text rather than categories: several words, mostly distinct.

    >>> import numpy as np
    >>> is_text(np.array(["a long story", "another long story"], dtype=object))
    True
    >>> is_text(np.array(["red", "blue"], dtype=object))
    False
    """
    if values.dtype != object:
        return False
    known = values[~missing(values)].astype(str)
    if not len(known):
        return False
    words = sum(len(text.split()) for text in known[:1000]) / min(len(known), 1000)
    return bool(words >= _WORDS and len(set(known.tolist())) >= _DIFFERENT * len(known))


def normalise(text: str | None) -> str:
    """Return the letters and digits of a text in lower case: spacing, case and punctuation do not count.

    >>> normalise("  The CAT, sat\u00a0here! ")
    'the cat sat here'
    """
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in folded).split())
