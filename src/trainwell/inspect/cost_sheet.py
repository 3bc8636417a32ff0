"""The complete cost of a network as one value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

from trainwell.core.batch import blank
from trainwell.core.errors import UsageError
from trainwell.cost import (
    LayerCost,
    Machine,
    TrainingMemory,
    calibrate,
    free_bytes,
    layers,
    time_steps,
    training_memory,
)
from trainwell.inspect.cost_subject import Subject, state_numbers
from trainwell.train import choose_device

PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
_DEFAULT_BATCH = 32
_FORWARD = 1 / 3  # fraction of a step that its forward pass takes
_MEASURED_WORK = 4e10  # multiply-adds of the timed steps: some seconds on a slow machine


@dataclass(frozen=True)
class CostedTraining:
    """The training whose cost is predicted.

    Args:
        batch_size: examples in a batch.
        optimizer: its name.
        precision: type in which layers multiply.
        examples: training examples of one epoch; 0 if unknown.
        remembered: numbers per weight in the optimizer's state.
    """

    batch_size: int
    optimizer: str
    precision: str
    examples: int
    remembered: int = 0


@dataclass(frozen=True)
class MeasuredSteps:
    """Measured training steps.

    Args:
        batch_size: examples in a batch.
        seconds: seconds of one step.
    """

    batch_size: int
    seconds: float


@dataclass(frozen=True)
class CostSheet:
    """The cost of a network.

    Args:
        subject: the network.
        layers: one row for each layer, including auxiliary heads, which are used in training only.
        training: how it is trained.
        memory: of training.
        free: available memory of this machine in bytes.
        machine: its throughput.
        measured: measured steps; None if none were timed.
    """

    subject: Subject
    layers: tuple[LayerCost, ...]
    training: CostedTraining
    memory: TrainingMemory
    free: int
    machine: Machine
    measured: MeasuredSteps | None = None

    @property
    def table(self) -> tuple[LayerCost, ...]:
        """One row for each layer used in prediction."""
        return tuple(layer for layer in self.layers if not layer.name.startswith("auxiliary."))

    @property
    def auxiliary_parameters(self) -> int:
        """Parameters of heads used in training only."""
        return sum(layer.parameters for layer in self.layers) - self.parameters

    @property
    def parameters(self) -> int:
        """Number of parameters of the network, without auxiliary heads."""
        return sum(layer.parameters for layer in self.table)

    @property
    def macs(self) -> int:
        """Multiply-adds of one forward pass of one example."""
        return sum(layer.multiply_adds for layer in self.table)

    @property
    def activation_bytes(self) -> int:
        """Bytes of all layers' outputs for one example."""
        return sum(layer.activation_bytes for layer in self.table)

    @property
    def step_seconds(self) -> float:
        """Predicted seconds of one training step."""
        return self.machine.step_seconds(self.table, self.training.batch_size, remembered=self.training.remembered)

    @property
    def epoch_seconds(self) -> float | None:
        """Predicted seconds of an epoch with its evaluation; None if the number of examples is unknown."""
        if not self.training.examples:
            return None
        steps = self.training.examples / self.training.batch_size
        return self.step_seconds * (steps + _FORWARD * self.subject.training.evaluated / self.training.batch_size)

    @property
    def predicted_to_measured(self) -> float | None:
        """Predicted divided by measured seconds: of the run's epochs, or of the timed steps."""
        if self.measured is not None:
            return self.machine.step_seconds(self.table, self.measured.batch_size) / self.measured.seconds
        if self.subject.training.epoch_seconds and self.epoch_seconds:
            return self.epoch_seconds / self.subject.training.epoch_seconds
        return None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data, in the shape `cost --json` prints."""
        memory = self.memory
        return {
            "model": self.subject.name,
            "input": list(self.subject.facts.shape),
            "parameters": self.parameters,
            "auxiliary_parameters": self.auxiliary_parameters,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
            "training_bytes": memory.total(self.training.batch_size),
            "batch": self.training.batch_size,
            "optimizer": self.training.optimizer,
            "precision": self.training.precision,
            "memory": {
                "parameters": memory.parameters,
                "gradients": memory.gradients,
                "optimizer_state": memory.optimizer_state,
                "activations_per_example": memory.activations,
            },
            "free_bytes": self.free,
            "largest_batch": memory.largest_batch(self.free),
            "step_seconds": self.step_seconds,
            "processor_share": self.machine.share,
            "epoch_seconds": self.epoch_seconds,
            "measured_epoch_seconds": self.subject.training.epoch_seconds,
            "predicted_to_measured": self.predicted_to_measured,
            "layers": [
                {
                    "name": layer.name,
                    "kind": layer.kind,
                    "output": list(layer.output_shape),
                    "parameters": layer.parameters,
                    "macs": layer.multiply_adds,
                    "activation_bytes": layer.activation_bytes,
                    "receptive_field": layer.receptive_field,
                }
                for layer in self.table
            ],
        }


def cost_sheet(
    subject: Subject,
    *,
    batch_size: int = 0,
    optimizer: str = "",
    precision: str = "float32",
    examples: int = 0,
    measure: bool = False,
) -> CostSheet:
    """Compute the cost of a network.

    Args:
        subject: the network.
        batch_size: examples in a batch; 0: the recipe's, or 32.
        optimizer: a name; empty: the recipe's, or "adamw".
        precision: one of `PRECISIONS`.
        examples: of an epoch; 0: the recipe's, or unknown.
        measure: also time a few real steps.
    Raises:
        UsageError: if the network does not accept such inputs, or a name is unknown.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision must be one of {', '.join(PRECISIONS)}, got {precision!r}.")
    batch_size = batch_size or subject.training.batch_size or _DEFAULT_BATCH
    optimizer = optimizer or subject.training.optimizer or "adamw"
    device = choose_device("auto")
    numbers = state_numbers(optimizer)
    subject, table = followed(subject)
    lower = PRECISIONS[precision]
    memory = training_memory(
        subject.model, subject.facts, state_numbers=numbers, batch_size=batch_size, precision=lower
    )
    sheet = CostSheet(
        subject=subject,
        layers=tuple(table),
        training=CostedTraining(
            batch_size=batch_size,
            optimizer=optimizer,
            precision=precision,
            examples=examples or subject.training.examples,
            remembered=numbers,
        ),
        memory=memory,
        free=free_bytes(device),
        machine=calibrate(device),
    )
    return _measured(sheet, device) if measure else sheet


def followed(subject: Subject) -> tuple[Subject, list[LayerCost]]:
    """Return the cost table of a network, from its rebuilt copy with values where the meta device does not suffice.

    Raises:
        UsageError: if it does not accept such inputs, with its own reason.
    """
    try:
        try:
            return subject, layers(subject.model, subject.facts)
        except (NotImplementedError, RuntimeError):  # it reads values, or does not accept the inputs
            subject = dataclasses.replace(subject, model=subject.rebuild())
            return subject, layers(subject.model, subject.facts)
    except Exception as problem:  # a user's network may raise any exception
        shape = "x".join(map(str, subject.facts.shape))
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise UsageError(
            f"{subject.name} does not accept inputs of shape {shape}: {reason.rstrip('.')}. Give another --input."
        ) from None


def _measured(sheet: CostSheet, device: torch.device) -> CostSheet:
    fits = int(_MEASURED_WORK / max(1, 3 * sheet.macs))
    batch = max(2, min(sheet.training.batch_size, fits, sheet.memory.largest_batch(sheet.free // 2)))
    model = sheet.subject.rebuild().to(device).train()
    empty = blank(sheet.subject.facts, batch, device=str(device))
    is_number = empty.inputs.is_floating_point()
    inputs = torch.randn_like(empty.inputs) if is_number else empty.inputs  # zeros are faster than other numbers
    seconds = time_steps(model, empty.replace(inputs=inputs))
    return dataclasses.replace(sheet, measured=MeasuredSteps(batch, seconds))
