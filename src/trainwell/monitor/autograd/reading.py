"""What is known of one loss."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

KIND_OF_FUNCTION = {
    "cross_entropy": "classes",
    "nll_loss": "classes",
    "binary_cross_entropy": "probabilities",
    "binary_cross_entropy_with_logits": "logits",
    "mse_loss": "numbers",
    "smooth_l1_loss": "numbers",
    "huber_loss": "numbers",
}
"""Kind of loss by the name of its function in `torch.nn.functional`."""


@dataclass
class LossReduction:
    """How a loss was reduced to one number.

    Args:
        is_mean: whether the loss is a mean over the batch and nothing else, so that it compares with a chance level.
        factor: what the mean was multiplied with (1 / micro-batches, the scale of a gradient scaler).
        data_loss: the mean by itself, where a penalty was added to it; None if there is no penalty or it is unknown.
    """

    is_mean: bool = False
    factor: float = 1.0
    data_loss: float | None = None

    @property
    def scale(self) -> float:
        """What a recorded loss is divided by to be the mean over the batch."""
        return (self.factor or 1.0) if self.is_mean else 1.0


@dataclass
class LossReading:
    """What the autograd graph of one loss tells.

    Args:
        kind: "classes", "distribution", "alignment", "probabilities", "logits", "numbers", "difference", or "" if
            unknown.
        prediction: the predictions as the loss received them.
        target: the targets as the loss received them.
        is_squared: whether it is the mean squared error.
        reduction: how it was reduced to one number.
        signals: signs of faults by name, "softmax_before_cross_entropy": 1.0.
    """

    kind: str = ""
    prediction: Tensor | None = None
    target: Tensor | None = None
    is_squared: bool = False
    reduction: LossReduction = field(default_factory=LossReduction)
    signals: dict[str, float] = field(default_factory=dict)
