"""`watch`: diagnose a training loop of your own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.finding import Finding
from trainwell.core.overhead_budget import OVERHEAD_BUDGET
from trainwell.core.signals import Signals
from trainwell.monitor.session import Session
from trainwell.monitor.trainings.record import Record


@final
class Watcher:
    """Watches the training inside its `with` block; see `watch`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._findings: list[Finding] | None = None

    def start(self) -> Watcher:
        """Start to watch; a `with` block does it by itself."""
        self._session.start()
        return self

    def stop(self) -> None:
        """Stop to watch and judge what was seen; a `with` block does it by itself."""
        if self._findings is None:
            self._findings = self._session.finish()

    def loss(self, loss: Tensor) -> None:
        """Give the loss of the step under way, where it has no `backward()`: call it before the step."""
        self._session.show_loss(loss)

    @property
    def findings(self) -> list[Finding]:
        """The findings, causes first; during training, those so far."""
        return self._session.judge() if self._findings is None else self._findings

    @property
    def signals(self) -> Signals:
        """All measurements of the first training that was seen."""
        return next((training.series.signals for training in self._session.trainings.all), Signals())

    @property
    def overhead_fraction(self) -> float:
        """Time spent on watching over the time spent on everything else."""
        return self._session.trainings.overhead_fraction

    def __enter__(self) -> Watcher:
        return self.start()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is not None:
                self._session.note_error(error)
        finally:
            self.stop()


def watch(
    model: nn.Module | None = None,
    optimizer: Optimizer | Sequence[Optimizer] = (),
    *,
    budget: float = OVERHEAD_BUDGET,
    quiet: bool = False,
) -> Watcher:
    """Watch a training loop of your own and report what is wrong with it.

    Args:
        model: the network; by default the modules that are called.
        optimizer: the optimizer or optimizers to watch; by default all that step.
        budget: watching time as a fraction of training time.
        quiet: do not print findings when they arise.
    Returns:
        a context manager with `.findings`, `.signals` and `.overhead_fraction`.

    >>> import torch
    >>> model = torch.nn.Linear(3, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    >>> with watch(model, optimizer, quiet=True) as w:
    ...     for _ in range(10):
    ...         loss = (model(torch.randn(8, 3)) - 1).square().mean()
    ...         loss.backward()  # and no zero_grad() anywhere
    ...         optimizer.step()
    >>> [finding.rule for finding in w.findings]
    ['missing_zero_grad']
    """

    def say(line: str) -> None:
        if not quiet:
            print(f"trainwell: {line}", file=sys.stderr or sys.__stderr__)

    optimizers = (optimizer,) if isinstance(optimizer, Optimizer) else tuple(optimizer)
    return Watcher(Session(Record(None, say), budget=budget, model=model, optimizers=optimizers))
