"""Reactions to the validation score: keep the best weights, lower the learning rate, stop early."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

from torch import Tensor, nn

from trainwell.train.job import State


@final
class BestWeights:
    """The weights of the best epoch so far: the highest score and, for equal scores, the lowest loss.

    Args:
        model: the network.
        score: name of the score, higher is better.
    """

    def __init__(self, model: nn.Module, *, score: str) -> None:
        self._model = model
        self.score = score
        self.weights: dict[str, Tensor] | None = None

    def improve(self, state: State, scores: Mapping[str, float]) -> bool:
        """Keep the network's weights if their scores are the best so far; tell whether they are.

        Args:
            state: progress of the run; the scores of the best epoch are stored in it.
            scores: of the validation split, with "loss".
        """
        score = scores[self.score]
        loss = scores["loss"]
        # Comparisons with NaN are false, so NaN never becomes the best.
        best = state.validation
        if not (score > best.best_score or (score == best.best_score and loss < best.best_loss)):
            return False
        best.best_score = score
        best.best_loss = loss
        best.best_epoch = state.epoch
        best.best_step = state.step
        self.weights = {name: tensor.detach().clone() for name, tensor in self._model.state_dict().items()}
        return True


@final
class EarlyStopping:
    """Stops a run after some epochs without a better score.

    Args:
        patience: number of epochs; 0 never stops.
        score: name of the score, for the reason.
    """

    def __init__(self, *, patience: int, score: str) -> None:
        self._patience = patience
        self._score = score

    def __call__(self, state: State) -> None:
        """Request a stop if due, after an epoch without a better score."""
        if self._patience and state.epoch - state.validation.best_epoch >= self._patience:
            state.stop = f"no better validation {self._score} for {self._patience} epochs"


@final
class Plateau:
    """Multiplies the learning rate by a factor after some epochs without a better score.

    Args:
        epochs: number of epochs, counted anew after each reduction.
        factor: factor of a reduction.
    """

    def __init__(self, *, epochs: int, factor: float) -> None:
        self._epochs = epochs
        self._factor = factor

    def __call__(self, state: State) -> None:
        """Lower the learning rate if due, after an epoch without a better score."""
        if state.epoch - max(state.validation.best_epoch, state.reduction.dropped_epoch) >= self._epochs:
            state.reduction.rate_factor *= self._factor
            state.reduction.dropped_epoch = state.epoch
