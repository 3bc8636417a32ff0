"""Watches the trainings of a process from start to end."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from typing import final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.finding import Finding
from trainwell.core.overhead_budget import OVERHEAD_BUDGET
from trainwell.core.signals import Signals
from trainwell.monitor.code.exceptions import error_line, error_message, error_signals
from trainwell.monitor.observer import Observer
from trainwell.monitor.trainings.record import Record
from trainwell.monitor.trainings.report import Report
from trainwell.monitor.trainings.trainings import Trainings


@final
class Session:
    """Watches every training of this process from `start` to `finish`.

    Args:
        record: where everything goes.
        budget: watching time as a fraction of training time.
        source: name of the script.
        model: the network, if it is known; else the modules that are called are found.
        optimizers: the optimizers, if they are known; then others are left alone.
        host: kind of device that needs no synchronisation.
    """

    def __init__(
        self,
        record: Record,
        *,
        budget: float = OVERHEAD_BUDGET,
        source: str = "",
        model: nn.Module | None = None,
        optimizers: Sequence[Optimizer] = (),
        host: str = "cpu",
    ) -> None:
        self.record = record
        self.trainings = Trainings(record, budget=budget, source=source, only=optimizers)
        self.observer = Observer(self.trainings, model=model, host=host)

    def start(self) -> None:
        """Start to watch."""
        if self.trainings.overhead.budget > 0:
            self.observer.hooks.install()
            remove = weakref.WeakMethod(self.observer.hooks.remove)
            os.register_at_fork(after_in_child=lambda: (method := remove()) is not None and method())

    def pause(self) -> None:
        """Stop to watch for a while."""
        self.observer.hooks.remove()

    def resume(self) -> None:
        """Watch again."""
        self.observer.hooks.install()
        self.observer.update_hooks()

    def finish(self) -> list[Finding]:
        """Stop to watch, judge what was seen, and return all findings; none in a process that was forked off."""
        self.observer.hooks.remove()
        if not self.record.is_own_process:
            return []
        for training in self.trainings.all:
            training.probes.stop()
        try:
            self.observer.close()
        except Exception as problem:  # nothing is raised into the user's code
            self.observer.failed(problem)
        self.observer.clear()
        return self.judge(is_over=True)

    def report(self, findings: Sequence[Finding]) -> Report:
        """Return what was seen, as plain data."""
        first = next(iter(self.trainings.all), None)
        return Report(
            findings=tuple(findings),
            signals=first.series.signals if first is not None else Signals(),
            facts=self.trainings.facts(first, steps=self.steps) if first is not None else None,
            steps=self.steps,
            overhead_fraction=self.trainings.overhead_fraction,
            watch_seconds=self.trainings.watch_seconds,
        )

    def judge(self, *, is_over: bool = False) -> list[Finding]:
        """Run the rules on what was seen so far."""
        return self.trainings.judge(
            backwards=self.observer.passes.count, lines=self.observer.lines.first, is_over=is_over
        )

    def note_error(self, error: BaseException) -> None:
        """Record what an exception in the user's code says about its cause."""
        self.record.error = f"{type(error).__name__}: {error_message(error)}"
        try:
            found = error_signals(error)
            training = self.trainings.current or (self.trainings.begin([]) if found else None)
            if training is not None:
                for name, value in found.items():
                    training.series.signal(f"code/error/{name}", training.step, value=value)
            if line := error_line(error):
                self.observer.lines.add("error", line)
        except Exception as problem:  # nothing is raised into the user's code
            self.observer.failed(problem)

    def show_loss(self, loss: Tensor) -> None:
        """Take the loss of the step under way from the user; the losses of backward passes are then not read."""
        self.observer.show_loss(loss)

    @property
    def steps(self) -> int:
        """Optimizer steps of the training that took most."""
        return max((training.step for training in self.trainings.all), default=0)

    @property
    def is_sampling(self) -> bool:
        """Whether a sample is under way."""
        return self.observer.is_sampling
