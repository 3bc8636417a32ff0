"""Text sampled from a trained language model, one token at a time [A15]."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainwell.core.contracts.outputs import main_output
from trainwell.core.errors import UsageError
from trainwell.data.text.stream import StreamCode
from trainwell.data.text.tokens import SPECIAL, UNKNOWN
from trainwell.fitting.trained_model import load_model, load_task, open_run
from trainwell.nn.layers.recurrent import State
from trainwell.nn.zoo.recurrent import RecurrentNetwork
from trainwell.runs import Run

_TAIL = 32  # previous tokens decoded again with each new one, for characters of several tokens
_BROKEN = "\ufffd"  # decoding of an incomplete character


@dataclass(frozen=True)
class Sampling:
    """Settings of sampling.

    Args:
        temperature: divides the logits; 0 takes the most probable token, 1 samples from the predicted distribution.
        top_k: sample from this number of most probable tokens; 0: from all.
        top_p: sample from the fewest tokens whose probabilities sum to this (Holtzman et al. 2020); 1: from all.
        seed: random seed; the same seed gives the same text.
    Raises:
        UsageError: if a number is out of range.
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise UsageError(f"--temperature must be at least 0, got {self.temperature:g}. Use 0.8.")
        if self.top_k < 0:
            raise UsageError(f"--top-k must be at least 1, or 0 for all tokens, got {self.top_k}.")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"--top-p must be greater than 0 and at most 1, got {self.top_p:g}.")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return the distribution of the next token, (tokens,) float64.

        Args:
            logits: (tokens,); -inf for excluded tokens.

        >>> Sampling(temperature=1.0, top_k=1).probabilities(torch.tensor([0.0, 1.0, 0.5])).tolist()
        [0.0, 1.0, 0.0]
        """
        logits = logits.double()
        if not self.temperature:
            return nn.functional.one_hot(logits.argmax(), len(logits)).double()
        ordered, places = (logits / self.temperature).sort(descending=True, stable=True)
        if self.top_k:
            ordered[self.top_k :] = -math.inf
        chances = ordered.softmax(dim=0)
        before = chances.cumsum(dim=0) - chances
        chances = chances.masked_fill(before >= self.top_p, 0.0)
        return torch.zeros_like(chances).scatter(0, places, chances / chances.sum())


@dataclass(frozen=True)
class Generated:
    """A sampled text.

    Args:
        prompt: the prompt.
        text: the continuation.
        tokens: number of sampled tokens.
        unknown: characters or words of the prompt that are not in the vocabulary.
        sampling: settings of sampling.
    """

    prompt: str
    text: str
    tokens: int
    unknown: tuple[str, ...]
    sampling: Sampling

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, in the shape `generate --json` prints."""
        return {
            "prompt": self.prompt,
            "text": self.text,
            "tokens": self.tokens,
            "unknown": list(self.unknown),
            "temperature": self.sampling.temperature,
            "top_k": self.sampling.top_k,
            "top_p": self.sampling.top_p,
            "seed": self.sampling.seed,
        }


def generate(
    run: Run | str | os.PathLike[str],
    prompt: str = "",
    *,
    length: int = 500,
    sampling: Sampling | None = None,
    show: Callable[[str], None] | None = None,
) -> Generated:
    """Continue a prompt with the language model of a run.

    A recurrent network carries its state from token to token; any other reads the last `data.context` tokens again.

    Args:
        run: a run or its folder.
        prompt: text to continue; empty: begin a line.
        length: number of tokens to sample.
        sampling: settings of sampling; None: the defaults.
        show: called with each new piece of the text.
    Raises:
        UsageError: if the run is not a language model, or the length is not positive.
        StorageError: if the run has no trained network.
    """
    sampling = sampling or Sampling()
    if length < 1:
        raise UsageError(f"--length must be at least 1, got {length}.")
    opened = run if isinstance(run, Run) else open_run(run)
    _, preparation, task = load_task(opened)
    code = preparation.fitted.code
    if not task.causal or code is None:
        raise UsageError(
            f"generate needs a language model, but the run {opened.path} learned {task.name!r}. Train one on a text: "
            "trainwell fit book.txt"
        )
    begin = code.encode(prompt) if prompt else code.start
    if not len(begin):  # only spaces, for tokens without spaces
        begin = code.start
    network = load_model(opened)
    sampled: list[int] = []
    text: list[str] = []
    tokens = sample(network, begin, context=preparation.facts.max_length, sampling=sampling, never=code.never_sampled)
    for piece in _pieces(code, tokens, begin=begin if prompt else begin[:0], length=length, sampled=sampled):
        text.append(piece)
        if show:
            show(piece)
    return Generated(prompt, "".join(text), len(sampled), unknown(code, prompt), sampling)


def sample(
    network: nn.Module, begin: np.ndarray[Any, Any], *, context: int, sampling: Sampling, never: tuple[int, ...] = ()
) -> Iterator[int]:
    """Yield sampled tokens endlessly.

    Args:
        network: maps (batch, length) tokens to (batch, length, tokens) logits.
        begin: (tokens,) to continue, at least one.
        context: maximum number of tokens that a network without a state gets.
        sampling: settings of sampling.
        never: ids of tokens that must not be sampled.
    """
    generator = torch.Generator().manual_seed(sampling.seed)
    following = _carried(network) if isinstance(network, RecurrentNetwork) else _windowed(network, context)
    new = torch.from_numpy(np.asarray(begin, dtype=np.int64))
    while True:
        with torch.no_grad():
            logits = following(new).float().clone()
        logits[list(never)] = -math.inf
        chances = sampling.probabilities(logits)
        new = torch.multinomial(chances, 1, generator=generator) if sampling.temperature else chances.argmax().view(1)
        yield int(new)


def unknown(code: StreamCode, text: str) -> tuple[str, ...]:
    """Return the characters or words of a text that are not in the vocabulary, each once, in order."""
    number = SPECIAL.index(UNKNOWN)
    if number not in code.encode(text):
        return ()
    parts = text.split() if code.line_ends else text
    return tuple(dict.fromkeys(part for part in parts if number in code.encode(part)))


def _carried(network: RecurrentNetwork) -> Callable[[Tensor], Tensor]:
    """Return a function from new tokens (tokens,) to the logits of the next one; it keeps the state."""
    state: State | None = None

    def following(new: Tensor) -> Tensor:
        nonlocal state
        inputs = new.unsqueeze(0)
        outputs, state = network.read(inputs, mask=torch.ones_like(inputs, dtype=torch.bool), state=state)
        return outputs[0, -1]

    return following


def _windowed(network: nn.Module, context: int) -> Callable[[Tensor], Tensor]:
    """Return the same for a network without a state; it keeps the last tokens."""
    seen = torch.zeros(0, dtype=torch.int64)

    def following(new: Tensor) -> Tensor:
        nonlocal seen
        seen = torch.cat([seen, new])[-context:]
        inputs = seen.unsqueeze(0)
        return main_output(network(inputs, mask=torch.ones_like(inputs, dtype=torch.bool)))[0, -1]

    return following


def _pieces(
    code: StreamCode, tokens: Iterator[int], *, begin: np.ndarray[Any, Any], length: int, sampled: list[int]
) -> Iterator[str]:
    """Yield the text that each new token adds; incomplete characters wait for their remaining bytes.

    Args:
        code: decodes tokens.
        tokens: sampled tokens.
        begin: tokens before the first, which are not yielded.
        length: number of tokens to take.
        sampled: collects the tokens.
    """
    held = [int(token) for token in begin[-_TAIL:]]
    written = code.decode(held)
    for _ in range(length):
        token = next(tokens)
        sampled.append(token)
        held.append(token)
        text = code.decode(held)
        if text.endswith(_BROKEN) and len(sampled) < length:
            continue
        yield text[len(written) :]
        if len(held) > 2 * _TAIL:
            held = held[-_TAIL:]
            text = code.decode(held)
        written = text
