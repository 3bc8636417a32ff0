"""One long text as a stream of tokens, cut into windows, for language models [A15]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.data.text.ragged import Array
from trainwell.data.text.tokens import BEGIN, END, PAD, SPECIAL, UNKNOWN, Tokenizer

Tokens = NDArray[np.int32]

_PIECE = 1 << 12  # characters tokenised at once; a piece ends with a line
_AT_ONCE = 256  # pieces tokenised in parallel
_WITHOUT_LINES = ("words", "spaces")  # these tokens contain no line ends


def pieces(text: str, *, least: int = _PIECE) -> Iterator[str]:
    r"""Yield a text in pieces of whole lines; joined they are the text.

    >>> list(pieces("one\ntwo\nthree", least=5))
    ['one\ntwo\n', 'three']
    """
    held: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        held.append(line)
        size += len(line)
        if size >= least:
            yield "".join(held)
            held = []
            size = 0
    if held:
        yield "".join(held)


@dataclass(frozen=True)
class StreamCode:
    r"""Tokenisation of a long text, and back.

    Args:
        tokenizer: learned from the training block only.
        line_ends: every line ends with <eos>, because the tokens themselves contain no line ends.

    >>> code = StreamCode.fit("to be\nor not to be\n", "words", size=20)
    >>> code.decode(code.encode("to be\nor"))
    'to be\nor'
    """

    tokenizer: Tokenizer
    line_ends: bool

    @classmethod
    def fit(cls, text: str, tokenisation: str, *, size: int, rarest: int = 1, lowercase: bool = False) -> StreamCode:
        """Learn a vocabulary from the training block; arguments and errors as for `Tokenizer.fit`."""
        tokenizer = Tokenizer.fit(pieces(text), tokenisation, size=size, rarest=rarest, lowercase=lowercase)
        return cls(tokenizer, tokenisation in _WITHOUT_LINES)

    def __len__(self) -> int:
        return len(self.tokenizer)

    def encode(self, text: str) -> Tokens:
        """Return the token ids of a text, (tokens,) int32."""
        parts = text.splitlines(keepends=True) if self.line_ends else list(pieces(text))
        ended = not self.line_ends or not text or text[-1] in "\r\n"
        encoded = [
            self.tokenizer.encode(parts[start : start + _AT_ONCE], end=self.line_ends).values.astype(np.int32)
            for start in range(0, len(parts), _AT_ONCE)
        ]
        tokens = np.concatenate(encoded) if encoded else np.zeros(0, np.int32)
        return tokens if ended else tokens[:-1]

    def decode(self, tokens: Sequence[int] | Array) -> str:
        """Return the text of token ids; <eos> is a line end."""
        numbers = [int(number) for number in tokens]
        if not self.line_ends:
            return self.tokenizer.decode(numbers)
        lines: list[list[int]] = [[]]
        for number in numbers:
            if number == SPECIAL.index(END):
                lines.append([])
            else:
                lines[-1].append(number)
        return "\n".join(self.tokenizer.decode(line) for line in lines)

    @property
    def never_sampled(self) -> tuple[int, ...]:
        """Ids of the tokens that are not text."""
        silent = (PAD, UNKNOWN, BEGIN) if self.line_ends else (PAD, UNKNOWN, BEGIN, END)
        return tuple(SPECIAL.index(token) for token in silent)

    @property
    def start(self) -> Tokens:
        """The prompt where none is given: a line end, or the most frequent token."""
        line_end = self.encode("\n")
        if len(line_end) and SPECIAL.index(UNKNOWN) not in line_end:
            return line_end
        return np.array([len(SPECIAL)], np.int32)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, without loss."""
        return {"tokenizer": self.tokenizer.to_json(), "line_ends": self.line_ends}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> StreamCode:
        """Return the code that `to_json` wrote."""
        return cls(Tokenizer.from_json(data["tokenizer"]), bool(data["line_ends"]))


@dataclass(frozen=True)
class Windows:
    """Windows of equal length of one text, indexed by rows.

    Args:
        tokens: (windows, context) int32.
        code: decodes them.
    """

    tokens: Tokens
    code: StreamCode

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: Array | slice) -> Windows:
        return Windows(self.tokens[rows], self.code)


def windows(tokens: Tokens, context: int) -> tuple[Tokens, Tokens]:
    """Cut a block of tokens into windows, and windows shifted by one; tokens that fill no window are dropped.

    Args:
        tokens: (tokens,).
        context: number of tokens in a window.
    Returns:
        inputs and targets, (windows, context) each: `targets[i, t]` is the token that follows `inputs[i, t]`.

    >>> windows(np.arange(6, dtype=np.int32), 2)[1].tolist()
    [[1, 2], [3, 4]]
    """
    count = max(0, (len(tokens) - 1) // context)
    return (
        tokens[: count * context].reshape(count, context),
        tokens[1 : count * context + 1].reshape(count, context),
    )
