"""Texts to token ids and back: words, characters or byte pairs, learned from the training texts only [A18].

The `tokenizers` library does the work; a tokenizer is one JSON document that is stored with the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import MissingExtraError, UsageError
from trainwell.core.targets import SPECIAL_TOKENS
from trainwell.data.text.ragged import Ragged

SPECIAL = SPECIAL_TOKENS
PAD, UNKNOWN, BEGIN, END = SPECIAL


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError("Reading texts as sequences", "tokenizers", extra="text") from None
    return tokenizers


def _words(size: int, rarest: int) -> tuple[Any, Any]:
    """Split at spaces and punctuation; rare words become <unk>."""
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.WordLevel(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = library.pre_tokenizers.Whitespace()
    trainer = library.trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=rarest, special_tokens=list(SPECIAL), show_progress=False
    )
    return tokenizer, trainer


def _spaced(size: int, rarest: int) -> tuple[Any, Any]:
    """Split at white space only, for texts that are already tokenised."""
    tokenizer, trainer = _words(size, rarest)
    tokenizer.pre_tokenizer = _tokenizers().pre_tokenizers.WhitespaceSplit()
    return tokenizer, trainer


def _characters(size: int, rarest: int) -> tuple[Any, Any]:
    """Split into characters, including newlines and spaces."""
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.WordLevel(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = library.pre_tokenizers.Split(library.Regex(r"[\s\S]"), behavior="isolated")
    tokenizer.decoder = library.decoders.Fuse()
    trainer = library.trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=rarest, special_tokens=list(SPECIAL), show_progress=False
    )
    return tokenizer, trainer


def _byte_pairs(size: int, rarest: int) -> tuple[Any, Any]:
    """Byte-pair encoding: merge frequent pairs of bytes (Sennrich et al. 2016); no token is unknown."""
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE())
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()
    trainer = library.trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=rarest,
        special_tokens=list(SPECIAL),
        initial_alphabet=library.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return tokenizer, trainer


TOKENISATIONS: Catalogue[Any] = Catalogue(
    "tokenisation", {"words": _words, "spaces": _spaced, "characters": _characters, "byte_pairs": _byte_pairs}
)


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer learned from the training texts.

    Args:
        document: JSON of the `tokenizers` library.
        lowercase: whether texts are lower-cased first.

    >>> tokens = Tokenizer.fit(["a cat", "a dog"], "words", size=100)
    >>> tokens.encode(["a cat", "a bird"]).values.tolist(), tokens.decode([4, 5])
    ([4, 5, 4, 1], 'a cat')
    """

    document: str
    lowercase: bool = False

    @classmethod
    def fit(
        cls, texts: Iterable[str], tokenisation: str, *, size: int, rarest: int = 1, lowercase: bool = False
    ) -> Tokenizer:
        """Learn a vocabulary.

        Args:
            texts: the training texts only.
            tokenisation: "words", "spaces", "characters" or "byte_pairs".
            size: maximum size of the vocabulary, including the four special tokens.
            rarest: minimum frequency of a token.
            lowercase: lower-case all texts.
        Raises:
            UsageError: if no token of the texts is frequent enough.
            MissingExtraError: without the `tokenizers` package.
        """
        tokenizer, trainer = TOKENISATIONS[tokenisation](size, rarest)
        tokenizer.train_from_iterator((text.lower() if lowercase else text for text in texts), trainer)
        if tokenizer.get_vocab_size() <= len(SPECIAL):
            raise UsageError(
                f"No token of the training texts occurs at least {rarest} times. "
                "Reduce data.rarest, or give texts that are not empty."
            )
        return cls(tokenizer.to_str(), lowercase)

    @cached_property
    def _tokenizer(self) -> Any:
        return _tokenizers().Tokenizer.from_str(self.document)

    def __len__(self) -> int:
        return int(self._tokenizer.get_vocab_size())

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """Tokens in the order of their ids."""
        numbers = self._tokenizer.get_vocab()
        return tuple(sorted(numbers, key=numbers.__getitem__))

    def encode(self, texts: Sequence[str], *, begin: bool = False, end: bool = False) -> Ragged:
        """Return the token ids of texts.

        Args:
            texts: any texts.
            begin: put <bos> before each.
            end: put <eos> after each.
        """
        given = [text.lower() for text in texts] if self.lowercase else list(texts)
        encoded = self._tokenizer.encode_batch_fast(given, add_special_tokens=False)
        before = [SPECIAL.index(BEGIN)] if begin else []
        after = [SPECIAL.index(END)] if end else []
        return Ragged.of([*before, *one.ids, *after] for one in encoded)

    def decode(self, numbers: Sequence[int]) -> str:
        """Return the text of token ids, without special tokens other than <unk>."""
        silent = {SPECIAL.index(token) for token in (PAD, BEGIN, END)}
        kept = [int(number) for number in numbers if int(number) not in silent]
        return str(self._tokenizer.decode(kept, skip_special_tokens=False))

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return {"document": json.loads(self.document), "lowercase": self.lowercase}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tokenizer:
        """Return the tokenizer that `to_json` wrote."""
        return cls(json.dumps(data["document"], ensure_ascii=False), bool(data["lowercase"]))
