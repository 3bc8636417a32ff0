"""One training among those a process may hold: optimizers that step together, and the network they change."""

from __future__ import annotations

import enum
import math
import threading
from typing import final

from torch import nn

from trainwell.core.contracts.task import Task
from trainwell.core.facts import Facts
from trainwell.monitor.trainings.networks import gradient_norm, network_name
from trainwell.monitor.trainings.optimizers import OptimizerGroup
from trainwell.monitor.trainings.record import TrainingSeries
from trainwell.monitor.trainings.targets import TargetStatistics
from trainwell.probes import CHEAP, EXPENSIVE, SampledProbes
from trainwell.tasks import task_of_criterion

_WITHOUT_HOOKS = ("updates", "inputs", "memory")  # Expensive probes that put no hooks into a compiled network.
_STEP_SECONDS = 6e-6  # Cost of a step that is not sampled, as benchmarks/watch.py shows it.


class NetworkState(enum.Enum):
    """What is known of the network of a training."""

    UNKNOWN = "no network has been seen"
    PROVISIONAL = "the network that was called first; others may belong to it"
    COMPOSED = "everything that the training changes"


@final
class TrainedNetwork:
    """The network of one training, as far as it is known."""

    def __init__(self) -> None:
        self.state = NetworkState.UNKNOWN
        self.model: nn.Module | None = None
        self.name = ""
        self.parameters = 0

    def set(self, model: nn.Module) -> None:
        """Take a module for the network."""
        if self.state is NetworkState.UNKNOWN:
            self.state = NetworkState.PROVISIONAL
        self.model = model
        self.name = network_name(model)
        self.parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)


@final
class TrainMode:
    """Whether the steps of a training are made in train mode, for a network that computes differently in eval mode."""

    def __init__(self) -> None:
        self.module: nn.Module | None = None  # what is called in each step; None if the mode does not matter
        self.recorded: bool | None = None  # the mode of the last step that was recorded

    @property
    def has_changed(self) -> bool:
        """Whether the mode differs from the one recorded last."""
        return self.module is not None and self.module.training is not self.recorded


@final
class GradientNorms:
    """Norms of the gradient around the backward passes of one step."""

    def __init__(self) -> None:
        self.before: float | None = None  # the smallest before a backward pass; None if no pass was observed
        self.after = 0.0

    def reset(self) -> None:
        """Start with the next step."""
        self.before = None
        self.after = 0.0


@final
class Training:
    """Counts the steps of one training and keeps what was learned about it.

    Args:
        optimizers: those that step together; the first to step leads, and its steps are counted.
        series: where the measurements go.
        budget: probing time as a fraction of training time.
        allows_hooks: whether probes may put hooks into the network.
    """

    def __init__(
        self, optimizers: OptimizerGroup, series: TrainingSeries, *, budget: float, allows_hooks: bool
    ) -> None:
        self.optimizers = optimizers
        self.series = series
        self.network = TrainedNetwork()
        self.mode = TrainMode()
        self.gradient = GradientNorms()
        self.targets = TargetStatistics()
        self.flagged: set[str] = set()  # signals of parameters that were at fault once
        self.held_out = 0  # examples of an evaluation
        self.thread = threading.get_ident()  # the thread that trains it
        self.samples = 0
        self.step = 0
        if manual := optimizers.manual():  # It was noticed after some steps.
            self.step = manual.steps
            if math.isfinite(manual.first_loss):
                series.loss(0, manual.first_loss)
        self._charged_steps = self.step
        self.probes = SampledProbes(
            [build() for name, build in CHEAP.items() if allows_hooks or name != "time"],
            series,
            expensive=[build() for name, build in EXPENSIVE.items() if allows_hooks or name in _WITHOUT_HOOKS],
            budget=budget,
        )

    def start(self, model: nn.Module, *, step: int) -> None:
        """Prepare the sample of a step of a network."""
        self.network.set(model)
        self.probes.start(model, step)

    def retire(self) -> None:
        """Release a network that is no longer trained."""
        self.probes.stop()
        self.network.model = None
        self.mode.module = None

    def record_mode(self, step: int) -> None:
        """Record the mode in which a step is made, when it changes."""
        if self.mode.module is not None and self.mode.has_changed:
            self.mode.recorded = self.mode.module.training
            self.series.signal("code/training_in_eval_mode", step, value=float(not self.mode.recorded))

    def note_gradient_before_backward(self) -> None:
        """Measure the gradient that is there before a backward pass."""
        norm = gradient_norm(self.optimizers.leading_parameters())
        self.gradient.before = norm if self.gradient.before is None else min(norm, self.gradient.before)

    def note_gradient_after_backward(self) -> None:
        """Measure the gradient after a backward pass."""
        self.gradient.after = gradient_norm(self.optimizers.leading_parameters())

    def charge_steps(self) -> None:
        """Count what the steps since the last call have cost that were not sampled."""
        self.probes.charge((self.step - self._charged_steps) * _STEP_SECONDS)
        self._charged_steps = self.step

    def facts(self, *, source: str, steps: int = 0) -> Facts:
        """Return what is known by now, as far as rules may build on it.

        Args:
            source: name of the script.
            steps: number of steps, if the training is over.
        """
        targets = self.targets
        task = task_of_criterion(targets.reading.kind)
        counts = () if targets.class_counts is None else tuple(int(count) for count in targets.class_counts)
        first = next(iter(self.optimizers.alive()), None)
        rates = self.series.signals["learning_rate"].values
        return Facts(
            source=source,
            model=self.network.name,
            task=task.name if task else "",
            has_classes=task is not None and task.has_classes and bool(counts),
            numeric_target=task is not None and task.is_numeric,
            initial_loss_limits=(task or Task).initial_loss_limits,
            class_counts=counts,
            chance_loss=targets.chance_loss() if targets.reading.reduction.is_mean else None,
            sizes={"validation": self.held_out} if self.held_out else {},
            parameters=self.network.parameters,
            batch_size=targets.batch_size,
            steps=steps,
            optimizer=type(first).__name__ if first is not None else "",
            learning_rate=max(filter(math.isfinite, rates), default=None),
        )
