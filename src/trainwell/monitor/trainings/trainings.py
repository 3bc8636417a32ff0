"""All trainings of one process: which optimizers belong together, and what the rules say of each."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import final

from torch import nn
from torch.optim import Optimizer

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding
from trainwell.monitor.trainings.optimizers import KnownOptimizers, OptimizerGroup
from trainwell.monitor.trainings.overhead import Overhead
from trainwell.monitor.trainings.record import Record
from trainwell.monitor.trainings.training import Training

_ALWAYS_WATCHED = 3  # Watched whatever it costs: for example a teacher and two students.
_MOST_WATCHED = 8  # A script may train hundreds of networks; the first few show what is wrong.
_FEWEST_SAMPLES = 4  # With fewer hardly any rule has enough to go by.


@final
class Trainings:
    """Keeps the trainings and the steps they took.

    Args:
        record: where everything goes.
        budget: watching time as a fraction of training time, for all trainings together.
        source: name of the script.
        only: the optimizers to watch; empty to watch all.
    """

    def __init__(self, record: Record, *, budget: float, source: str = "", only: Sequence[Optimizer] = ()) -> None:
        self.record = record
        self.optimizers = KnownOptimizers(only)
        self.overhead = Overhead(budget)
        self.all: list[Training] = []
        self.last: Training | None = None  # the one that stepped last
        self.steps = 0
        self.allows_hooks = True
        self.owners: dict[int, Training | None] = {}  # by the `id` of an optimizer, as long as that lives
        self._source = source

    # Which optimizers belong together -----------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether there is room and time to watch one more training."""
        if len(self.all) < _ALWAYS_WATCHED:
            return True
        return len(self.all) < _MOST_WATCHED and self.is_within_budget

    def begin(self, optimizers: Sequence[Optimizer]) -> Training | None:
        """Begin to watch a training; return None if there is no room or time for one more."""
        if not self.has_room:
            return None
        for training in self.all:
            if not training.optimizers.alive():
                training.retire()
        self.overhead.start()
        group = OptimizerGroup(optimizers, made_at=self.optimizers.made_at(optimizers))
        budget = self.overhead.budget
        training = Training(group, self.record.new_training(), budget=budget, allows_hooks=self.allows_hooks)
        self.all.append(training)
        running = [one for one in self.all if one.optimizers.alive()] or [training]
        for one in running:
            one.probes.budget = budget / len(running)
        for optimizer in optimizers:
            self._assign(optimizer, training)
        return training

    def begin_for(self, module: nn.Module) -> Training | None:
        """Begin to watch the training of a module that is called for the first time, if an optimizer trains it."""
        if all(id(one) in self.owners for one in self.optimizers.alive()):
            return None
        holding = self.optimizers.holding(module)
        if not holding or any(id(one) in self.owners for one in holding):
            return None
        return self.begin(holding)

    def step(self, optimizer: Optimizer, *, same_gradient: bool) -> tuple[Training, int] | None:
        """Count a step of an optimizer.

        Args:
            optimizer: it is about to step.
            same_gradient: whether no backward pass lies between this step and the one before.
        Returns:
            the training and the number of the step, from 0; None if another optimizer of the training leads it, or
            it is not watched.
        """
        try:
            training = self.owners[id(optimizer)]
        except KeyError:
            training = self._adopt(optimizer, same_gradient=same_gradient)
            self._assign(optimizer, training)
        if training is None:
            return None
        group = training.optimizers
        if group.leader is None:
            group.leader = id(optimizer)
        elif group.leader != id(optimizer):
            training.series.loss_means_progress &= same_gradient
            return None
        step = training.step
        training.step += 1
        self.steps += 1
        if self.last is not training:
            if self.last is not None and self.last.step > 1 and training.step > 1:  # They take turns: they compete.
                self.last.series.loss_means_progress = False
                training.series.loss_means_progress = False
            self.last = training
        return training, step

    def _assign(self, optimizer: Optimizer, training: Training | None) -> None:
        key = id(optimizer)
        if key not in self.owners:
            weakref.finalize(optimizer, self.owners.pop, key, None).atexit = False
            self.optimizers.note_trained(optimizer)
        self.owners[key] = training

    def _adopt(self, optimizer: Optimizer, *, same_gradient: bool) -> Training | None:
        if not self.optimizers.add(optimizer):
            return None
        if self.last is not None and same_gradient and self.last.step == 1:
            self.last.optimizers.add(optimizer)
            return self.last
        return self.begin([optimizer])

    def here(self) -> list[Training]:
        """Return the trainings of the current thread: gradients of others must not be read."""
        thread = threading.get_ident()
        return [training for training in self.all if training.thread == thread]

    @property
    def only_one(self) -> Training | None:
        """The one training there is; None if there are several: it is not known which an evaluation belongs to."""
        return self.all[0] if len(self.all) == 1 else None

    @property
    def current(self) -> Training | None:
        """The training that stepped last, or the first if none has stepped."""
        return self.last or next(iter(self.all), None)

    def parameter_names(self) -> dict[int, str]:
        """Return the names of all parameters by their `id`."""
        return {
            id(parameter): name
            for training in self.all
            if training.network.model is not None
            for name, parameter in training.network.model.named_parameters()
        }

    # What watching costs ------------------------------------------------------------------------------------------

    def prepared(self) -> list[Training]:
        """Return the trainings of the current thread whose next step is sampled."""
        return [training for training in self.here() if training.probes.is_prepared]

    def charge(self, seconds: float) -> None:
        """Count watching time for the trainings whose sample it was spent on."""
        prepared = self.prepared()
        for training in prepared:
            training.probes.charge(seconds / len(prepared))
        if not prepared:
            self.overhead.unassigned += seconds

    def note_time(self, training: Training) -> None:
        """Note the time of a step, and charge what the steps have cost that were not sampled."""
        self.overhead.note_step()
        training.charge_steps()

    @property
    def watch_seconds(self) -> float:
        """Time spent on watching."""
        return self.overhead.unassigned + sum(training.probes.spent for training in self.all)

    @property
    def overhead_fraction(self) -> float:
        """Time spent on watching over the time spent on everything else, from the first training to the last step."""
        return self.overhead.fraction(self.watch_seconds)

    @property
    def is_within_budget(self) -> bool:
        """Whether watching has cost no more than the budget so far."""
        return self.overhead_fraction <= self.overhead.budget

    # What the rules say -------------------------------------------------------------------------------------------

    def facts(self, training: Training, *, steps: int = 0) -> Facts:
        """Return what is known of one training; `steps` is given when it is over."""
        return training.facts(source=self._source, steps=steps)

    def judge_if_due(self, training: Training, *, backwards: int, lines: Mapping[str, str]) -> None:
        """Run the rules during training, as often as the budget allows."""
        if training.samples >= _FEWEST_SAMPLES and self.overhead.allows_judging:
            began = time.perf_counter()
            self.judge(backwards=backwards, lines=lines)
            self.overhead.note_judging(began)

    def judge(self, *, backwards: int, lines: Mapping[str, str], is_over: bool = False) -> list[Finding]:
        """Run the rules on what was seen.

        Args:
            backwards: backward passes so far.
            lines: first source line of the user by event.
            is_over: whether the script has ended.
        Returns:
            all findings, causes first.
        """
        if is_over and not self.all and (idle := self.optimizers.alive()):
            self.begin(idle)
        for training in self.all:
            signal = training.series.signal
            idle_optimizers = 0.0 if self.steps else float(len(self.optimizers.alive()))
            signal("code/idle_optimizers", training.step, value=idle_optimizers)
            signal("code/step_calls", training.step, value=float(training.step))
            signal("code/backward_calls", training.step, value=float(backwards))
            made_at = training.optimizers.made_at
            own = {"optimizer": made_at} if made_at and "optimizer" in lines else {}
            for event, line in {**lines, **own}.items():
                file, _, number = line.rpartition(":")
                if (name := f"code/line/{event}/{file}") not in training.series.signals:
                    signal(name, training.step, value=float(number))
        return self.record.judge(
            {one.series: self.facts(one, steps=(one.step or backwards) if is_over else 0) for one in self.all}
        )
