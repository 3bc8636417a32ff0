"""A task for networks with auxiliary heads: their losses count too while the network trains."""

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
    else - scores, predictions, the loss of an evaluation - is the other task's: what is not defined here is looked up
    there.

    Args:
        task: what is learned.
        weight: share of each auxiliary head's loss.
        heads: names of the auxiliary heads, whose losses are recorded.
    """

    def __init__(self, task: Task, *, weight: float, heads: Sequence[str] = ()) -> None:
        self.task = task
        self._head_weight = weight
        self.part_weights = {"main": 1.0, **{f"{_PREFIX}{head}": weight for head in heads}}

    def __getattr__(self, name: str) -> Any:
        """Return what the other task has."""
        if name == "task":  # not there yet while a copy is being made
            raise AttributeError(name)
        return getattr(self.task, name)

    def forward(self, model: nn.Module, batch: Batch) -> Outputs:
        """Return the main head's outputs, and in training those of the auxiliary heads beside them, by name."""
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
        """Return a loss of the main head's value whose gradient is that of the weighted sum with the auxiliary heads.

        So curves, chance and validation compare the same thing.
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
        task: what is learned.
        weight: share of each auxiliary head's loss.
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
