"""A task for networks with auxiliary heads: their losses count too while the network trains."""

from __future__ import annotations

from typing import Any, final

import numpy.typing as npt
from torch import Tensor, nn

from trainwell.core.batch import Batch
from trainwell.core.protocols import Tally
from trainwell.tasks.task import Prediction, Task


@final
class Auxiliary(Task):
    """Another task, plus the losses of a network's auxiliary heads in training (Szegedy et al. 2015, section 5).

    Everything else - scores, predictions, the loss of an evaluation - is the other task's.

    Args:
        task: what is learned.
        weight: share of each auxiliary head's loss.
    """

    def __init__(self, task: Task, *, weight: float) -> None:
        self.task = task
        self.weight = weight
        self.name = task.name
        self.main_score = task.main_score
        self._seen: tuple[Tensor | None, list[Tensor]] = (None, [])

    def __getattr__(self, name: str) -> Any:
        """Return what only the other task has: its number of classes, its units."""
        if name == "task":  # not there yet while a copy is being made
            raise AttributeError(name)
        return getattr(self.task, name)

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the main head's outputs; those of the auxiliary heads are kept until the loss is asked for."""
        heads: list[Tensor] = []
        hooks = [
            head.register_forward_hook(lambda module, inputs, outputs: heads.append(outputs))
            for head in model.get_submodule("auxiliary").children()
        ]
        try:
            outputs = self.task.forward(model, batch)
        finally:
            for hook in hooks:
                hook.remove()
        self._seen = (outputs, heads)
        return outputs

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return a loss of the main head's value whose gradient is that of the weighted sum with the auxiliary heads.

        So curves, chance and validation compare the same thing.
        """
        loss = self.task.loss(outputs, batch)
        seen, heads = self._seen
        self._seen = (None, [])  # the graph must not outlive the step
        if outputs is seen:
            for head in heads:
                side = self.task.loss(head, batch)
                loss = loss + self.weight * (side - side.detach())
        return loss

    def example_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Return the main head's loss of each example, (batch,)."""
        return self.task.example_loss(outputs, batch)

    def chance_loss(self, targets: npt.NDArray[Any]) -> float:
        """Return the loss of the best constant prediction."""
        return self.task.chance_loss(targets)

    def tally(self) -> Tally:
        """Return an empty tally."""
        return self.task.tally()

    def predict(self, outputs: Tensor) -> Prediction:
        """Say what outputs mean."""
        return self.task.predict(outputs)
