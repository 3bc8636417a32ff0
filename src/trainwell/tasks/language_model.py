"""Language model: the next token at every position of a text, by softmax and cross-entropy [A15]."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, join_outputs, main_output
from trainwell.core.contracts.task import Prediction, Scores, Tally, Task
from trainwell.core.errors import ShapeError
from trainwell.core.targets import SPECIAL_TOKENS, TOKENS, TargetFacts
from trainwell.tasks.probabilities import mean_of_probabilities

Array = npt.NDArray[Any]

_MOST_WORDS = 60  # characters of a displayed prediction
_BYTE_LEVEL = str.maketrans({"Ġ": " ", "Ċ": "\n"})  # byte-pair encodings of a space and a line end


@final
class LanguageModel(Task):
    """The next token at every position, one of `count`, from unnormalised outputs (logits).

    Targets are the inputs shifted by one position. Uniform predictions have the loss ln(count), and the perplexity
    exp(loss) = count.

    Args:
        count: size of the vocabulary.
        labels: the tokens, in the order of their ids; empty if unknown.

    >>> import torch
    >>> task = LanguageModel(count=5)
    >>> batch = Batch({"inputs": torch.tensor([[3, 4]]), "targets": torch.tensor([[4, 1]])})
    >>> task.loss(torch.zeros(1, 2, 5), batch)
    tensor(1.6094)
    """

    name = "language_model"
    main_score = "neg_log_loss"
    target_type = TOKENS
    per_position = True
    causal = True

    def __init__(self, *, count: int, labels: Sequence[str] = ()) -> None:
        self.count = count
        self.labels = tuple(labels)

    @classmethod
    def build(cls, recipe: Any, targets: TargetFacts) -> LanguageModel:
        """Build the task; it has no settings."""
        return cls(count=targets.count, labels=targets.labels)

    @property
    def outputs(self) -> int:
        """One logit for each token, at each position."""
        return self.count

    @property
    def by_character(self) -> bool:
        """Whether every token is one character, so that a loss per token is one per character."""
        return bool(self.labels) and all(len(token) == 1 for token in self.labels[len(SPECIAL_TOKENS) :])

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return the cross-entropy of each position in nats, (batch, length).

        Args:
            outputs: (batch, length, tokens) float logits.
            batch: targets (batch, length) int in [0, tokens).
        """
        logits = self._checked(outputs, batch)
        each = F.cross_entropy(logits.flatten(0, 1), batch.targets.long().flatten(), reduction="none")
        return {"cross_entropy": each.view(batch.targets.shape)}

    def outputs_for(self, targets: Tensor) -> int:
        """Return the number of outputs that the targets need at least."""
        return int(targets.max()) + 1

    def chance_loss(self, targets: Array) -> float:
        """Return the entropy of the tokens' frequencies in nats: ln(count) if all are equally frequent.

        >>> round(LanguageModel(count=5).chance_loss(np.arange(5)[None]), 4)
        1.6094
        """
        shares = np.bincount(targets.ravel(), minlength=self.count) / targets.size
        present = shares[shares > 0]
        return float(-(present * np.log(present)).sum())

    def tally(self) -> TokenTally:
        """Return an empty tally of losses and correct predictions."""
        return TokenTally(self)

    def predict(self, outputs: Outputs) -> Prediction:
        """Return the most probable next token at each position, (batch, length)."""
        return Prediction(main_output(outputs).argmax(dim=-1).cpu().numpy())

    def average(self, many: Sequence[Outputs]) -> Outputs:
        """Return logits whose probabilities are the mean of the probabilities."""
        return join_outputs(mean_of_probabilities, [main_output(one) for one in many])

    def words(self, target: Any) -> str:
        """Return the tokens of one window as text, truncated to 60 characters."""
        if not self.labels:
            return str(self.value(target))
        tokens = [self.labels[int(number)] for number in target]
        if self.by_character:
            return "".join(tokens)[:_MOST_WORDS]
        is_byte_level = any("Ġ" in token for token in self.labels)
        return ("".join(tokens).translate(_BYTE_LEVEL) if is_byte_level else " ".join(tokens))[:_MOST_WORDS]

    def baselines(self, train: tuple[Array, Array], test: tuple[Array, Array]) -> list[tuple[str, Scores]]:
        """Evaluate unigram and bigram models of the training block, with add-one smoothing.

        Args:
            train: inputs and targets, (windows, length) tokens each.
            test: inputs and targets of the split to evaluate on.
        """
        known = (train[0].astype(np.int64).ravel(), train[1].astype(np.int64).ravel())
        asked = (test[0].astype(np.int64).ravel(), test[1].astype(np.int64).ravel())
        return [
            ("unigram", self.scores_of(unigram_entropy(known[1], asked[1], count=self.count))),
            ("bigram", self.scores_of(bigram_entropy(known, asked, count=self.count))),
        ]

    def scores_of(self, nats: float) -> Scores:
        """Return a mean loss in nats per token as scores: bits per character, or perplexity.

        >>> LanguageModel(count=5).scores_of(math.log(5))["perplexity"]
        5.0
        """
        if self.by_character:
            return {self.main_score: -nats, "bits_per_character": nats / math.log(2)}
        return {self.main_score: -nats, "perplexity": round(math.exp(min(nats, 700.0)), 12)}

    def _checked(self, outputs: Outputs, batch: Batch) -> Tensor:
        logits = main_output(outputs)
        expected = (*batch.targets.shape, self.count)
        if tuple(logits.shape) != expected:
            raise ShapeError(
                f"The network must return (batch, length, tokens) = {expected} numbers, got {tuple(logits.shape)}. "
                f"Give its last layer {self.count} outputs at every position."
            )
        return logits


@final
class TokenTally(Tally):
    """Sums of the losses and of the correct predictions.

    Args:
        task: the task of the outputs.
    """

    def __init__(self, task: LanguageModel) -> None:
        self._task = task
        self._nats = 0.0
        self._right = 0.0
        self._weight = 0.0

    def add(self, outputs: Outputs, batch: Batch) -> None:
        """Add a batch of outputs."""
        losses = self._task.losses(outputs, batch)["cross_entropy"].double()
        right = (main_output(outputs).argmax(dim=-1) == batch.targets).double()
        weights = self._task.weights(batch)
        if weights is None:
            self._weight += losses.numel()
        else:
            losses = losses.masked_fill(weights == 0, 0.0) * weights
            right = right * weights
            self._weight += float(weights.sum())
        self._nats += float(losses.sum())
        self._right += float(right.sum())

    def merge(self, other: Self) -> None:
        """Add the sums of another tally."""
        self._nats += other._nats
        self._right += other._right
        self._weight += other._weight

    def scores(self) -> Scores:
        """Return the negative loss in nats per token, bits per character or perplexity, and the accuracy."""
        if not self._weight:
            return {}
        return {**self._task.scores_of(self._nats / self._weight), "accuracy": self._right / self._weight}


def unigram_entropy(known: Array, asked: Array, *, count: int) -> float:
    """Return the mean negative log-probability in nats of tokens, by their frequency: p(b) = (n(b) + 1) / (n + count).

    Args:
        known: (tokens,) of the training block.
        asked: (tokens,) to predict.
        count: size of the vocabulary.

    >>> unigram_entropy(np.array([0, 0, 1]), np.array([2]), count=3) == math.log(6)
    True
    """
    logs = np.log(np.bincount(known, minlength=count) + 1) - math.log(len(known) + count)
    return float(-logs[asked].mean())


def bigram_entropy(known: tuple[Array, Array], asked: tuple[Array, Array], *, count: int) -> float:
    """Return the same given the token before: p(b | a) = (n(a, b) + 1) / (n(a) + count).

    Args:
        known: tokens of the training block, and the token that follows each.
        asked: tokens before those to predict, and the tokens to predict.
        count: size of the vocabulary.

    >>> pairs = (np.array([0, 0, 1]), np.array([1, 1, 0]))
    >>> round(bigram_entropy(pairs, (np.array([0]), np.array([1])), count=2), 4), round(-math.log(3 / 4), 4)
    (0.2877, 0.2877)
    """
    pairs, times = np.unique(known[0] * count + known[1], return_counts=True)
    wanted = asked[0] * count + asked[1]
    place = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    seen = np.where(pairs[place] == wanted, times[place], 0)
    before = np.bincount(known[0], minlength=count)[asked[0]]
    return float(-(np.log(seen + 1) - np.log(before + count)).mean())
