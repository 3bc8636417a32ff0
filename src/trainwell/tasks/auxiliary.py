"""The task of a network with auxiliary heads: their losses are added in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, final

from torch import Tensor, nn

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, main_output
from trainwell.core.contracts.task import Task

_PREFIX = "auxiliary."


@final
class Auxiliary:
    """Another task, plus the losses of a network's auxiliary heads in training (Szegedy et al. 2015, section 5).

    In training the outputs are named: "outputs" of the main head and "auxiliary.NAME" of each other head. Everything
    else - scores, predictions, the loss in evaluation - is delegated to the other task.

    Args:
        task: the task of the main head.
        weight: weight of each auxiliary head's loss.
        heads: names of the auxiliary heads, whose losses are recorded.
    """

    def __init__(self, task: Task, *, weight: float, heads: Sequence[str] = ()) -> None:
        self.task = task
        self._head_weight = weight
        self.part_weights = {"main": 1.0, **{f"{_PREFIX}{head}": weight for head in heads}}

    def __getattr__(self, name: str) -> Any:
        """Delegate to the other task."""
        if name == "task":  # not set yet while a copy is made
            raise AttributeError(name)
        return getattr(self.task, name)

    def forward(self, model: nn.Module, batch: Batch) -> Outputs:
        """Return the main head's outputs; in training also those of the auxiliary heads, by name."""
        heads: dict[str, Tensor] = {}
        hooks = [
            head.register_forward_hook(_keep_in(heads, f"{_PREFIX}{name}"))
            for name, head in model.get_submodule("auxiliary").named_children()
        ]
        try:
            outputs = self.task.forward(model, batch)
        finally:
            for hook in hooks:
                hook.remove()
        return {"outputs": main_output(outputs), **heads} if heads else outputs

    def loss(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Return a loss with the value of the main head's loss and the gradient of the weighted sum of all heads.

        Learning curves, chance level and validation loss are then comparable.
        """
        main, heads = _split(outputs)
        loss = self.task.loss(main, batch)
        for head in heads.values():
            side = self.task.loss(head, batch)
            loss = loss + self._head_weight * (side - side.detach())
        return loss

    def loss_parts(self, outputs: Outputs, batch: Batch) -> dict[str, Tensor]:
        """Return the mean loss of each head."""
        main, heads = _split(outputs)
        return {"main": self.task.loss(main, batch)} | {
            name: self.task.loss(head, batch) for name, head in heads.items()
        }

    def losses(self, outputs: Outputs, batch: Batch) -> Mapping[str, Tensor]:
        """Return each head's loss of each example, (batch,)."""
        main, heads = _split(outputs)
        return {"main": self.task.example_loss(main, batch)} | {
            name: self.task.example_loss(head, batch) for name, head in heads.items()
        }

    def example_loss(self, outputs: Outputs, batch: Batch) -> Tensor:
        """Return the main head's loss of each example, (batch,)."""
        return self.task.example_loss(_split(outputs)[0], batch)


Task.register(Auxiliary)


def with_auxiliary_heads(task: Task, *, weight: float, heads: Sequence[str]) -> Task:
    """Return the task with the losses of a network's auxiliary heads.

    Args:
        task: the task of the main head.
        weight: weight of each auxiliary head's loss.
        heads: names of the auxiliary heads.
    """
    return cast(Task, Auxiliary(task, weight=weight, heads=heads))


def _keep_in(heads: dict[str, Tensor], name: str) -> Any:
    def keep(module: nn.Module, inputs: Any, outputs: Tensor) -> None:
        heads[name] = outputs

    return keep


def _split(outputs: Outputs) -> tuple[Outputs, dict[str, Tensor]]:
    """Return the main head's outputs, and those of the auxiliary heads."""
    if not isinstance(outputs, Mapping):
        return outputs, {}
    heads = {name: tensor for name, tensor in outputs.items() if name.startswith(_PREFIX)}
    return main_output(outputs) if heads else outputs, heads
