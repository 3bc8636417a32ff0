"""All trainings of one process: which optimizers belong together, and what the rules say of each."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from typing import final

from torch import Tensor, nn
from torch.optim import Optimizer

from trainwell.core.facts import Facts
from trainwell.core.finding import Finding
from trainwell.monitor.code.source_lines import user_line
from trainwell.monitor.trainings.record import Record
from trainwell.monitor.trainings.training import Track, parameters_of

_FEWEST = 3  # Watched whatever it costs: a teacher, its pupil, and the pupil that it teaches.
_MOST = 8  # A script may train hundreds of networks; what is wrong shows in the first few.
_JUDGING_SHARE = 0.3  # Share of the budget that goes to running the rules now and then.
_STEP_SECONDS = 6e-6  # Cost of a step that is not sampled, as benchmarks/watch.py shows it.
_FEWEST_SAMPLES = 4  # Before that hardly any rule has enough to go by.


@final
class Trainings:
    """Keeps the trainings and the steps they took.

    Args:
        record: where everything goes.
        budget: watching time as a fraction of training time, for all trainings together.
        source: name of the script.
        only: the optimizers to watch; empty to watch all.
    """

    def __init__(self, record: Record, *, budget: float, source: str, only: Sequence[Optimizer]) -> None:
        self.record = record
        self.all: list[Track] = []
        self.last: Track | None = None  # whose step was the newest
        self.steps = 0
        self.hooks = True
        self.spent = 0.0  # seconds of watching that belong to no training
        self._budget, self._source = budget, source
        self._only = bool(only)
        self._optimizers = [weakref.ref(optimizer) for optimizer in only]
        self.owner: dict[int, Track | None] = {}  # by the `id` of an optimizer, as long as that lives
        self._made_at: weakref.WeakKeyDictionary[Optimizer, str] = weakref.WeakKeyDictionary()
        self._trained: dict[int, weakref.ref[Tensor]] = {}
        self._began = self._seen = 0.0  # when the first training began, and when the last step was seen
        self._judged, self._judging = 0.0, 0.0

    # Which optimizers belong together -----------------------------------------------------------------------------

    def known(self) -> list[Optimizer]:
        """Return the optimizers that exist."""
        return [optimizer for reference in self._optimizers if (optimizer := reference()) is not None]

    def was_trained(self, parameter: Tensor) -> bool:
        """Tell whether an optimizer that has stepped ever held a parameter that was to learn."""
        reference = self._trained.get(id(parameter))
        return reference is not None and reference() is parameter

    def meet(self, optimizer: Optimizer) -> bool:
        """Remember an optimizer; tell whether it is to be watched."""
        if any(known is optimizer for known in self.known()):
            return True
        if not self._only:
            self._optimizers.append(weakref.ref(optimizer))
            self._made_at[optimizer] = user_line() or ""
        return not self._only

    @property
    def has_room(self) -> bool:
        """Whether there is room and time to watch one more training."""
        return len(self.all) < _FEWEST or (len(self.all) < _MOST and self.overhead_fraction <= self._budget)

    def begin(self, optimizers: Sequence[Optimizer]) -> Track | None:
        """Begin to watch a training, if there is room and time for one more."""
        if not self.has_room:
            return None
        for track in self.all:
            if not track.alive():
                track.retire()
        self._began = self._began or time.perf_counter()
        track = Track(optimizers, self.record.of_training(), budget=self._budget, hooks=self.hooks)
        track.made_at = next((line for one in optimizers if (line := self._made_at.get(one))), "")
        self.all.append(track)
        going = [one for one in self.all if one.alive()] or [track]
        for one in going:
            one.watch.budget = self._budget / len(going)
        for optimizer in optimizers:
            self._assign(optimizer, track)
        return track

    def begin_for(self, module: nn.Module) -> Track | None:
        """Begin to watch the training of a module that is called for the first time, if an optimizer trains it."""
        if all(id(one) in self.owner for one in self.known()):
            return None
        own = {id(parameter) for parameter in module.parameters()}
        trained_by = [one for one in self.known() if not own.isdisjoint(map(id, parameters_of(one)))]
        if not trained_by or any(id(one) in self.owner for one in trained_by):
            return None
        return self.begin(trained_by)

    def step(self, optimizer: Optimizer, *, same_gradient: bool) -> tuple[Track, int] | None:
        """Count a step of an optimizer.

        Args:
            optimizer: it is about to step.
            same_gradient: whether no backward pass lies between this step and the one before.
        Returns:
            the training and the number of the step, from 0; None if another optimizer of the training leads it, or
            it is not watched.
        """
        try:
            track = self.owner[id(optimizer)]
        except KeyError:
            track = self._adopt(optimizer, same_gradient=same_gradient)
            self._assign(optimizer, track)
        if track is None:
            return None
        if track.leader is None:
            track.leader = id(optimizer)
        elif track.leader != id(optimizer):
            track.series.loss_means_progress &= same_gradient
            return None
        step = track.step
        track.step += 1
        self.steps += 1
        if self.last is not track:
            if self.last is not None and self.last.step > 1 and track.step > 1:
                self.last.series.loss_means_progress = track.series.loss_means_progress = False
            self.last = track
        return track, step

    def note_time(self, track: Track) -> None:
        """Take note of the time, and charge what the steps have cost that were not sampled."""
        self._seen = time.perf_counter()
        track.watch.charge((track.step - track.charged) * _STEP_SECONDS)
        track.charged = track.step

    def _assign(self, optimizer: Optimizer, track: Track | None) -> None:
        key = id(optimizer)
        if key not in self.owner:
            weakref.finalize(optimizer, self.owner.pop, key, None).atexit = False
            self._trained |= {id(p): weakref.ref(p) for p in parameters_of(optimizer) if p.requires_grad}
        self.owner[key] = track

    def _adopt(self, optimizer: Optimizer, *, same_gradient: bool) -> Track | None:
        if not self.meet(optimizer):
            return None
        if self.last is not None and same_gradient and self.last.step == 1:
            self.last.optimizers.append(weakref.ref(optimizer))
            return self.last
        return self.begin([optimizer])

    # What is said of them -----------------------------------------------------------------------------------------

    @property
    def overhead_fraction(self) -> float:
        """Time spent on watching over the time spent on everything else, from the first training to the last step."""
        spent = self.watch_seconds
        return spent / max(self._seen - self._began - spent, 1e-9) if self._seen else 0.0

    @property
    def watch_seconds(self) -> float:
        """Time spent on watching."""
        return self.spent + sum(track.watch.spent for track in self.all)

    @property
    def only_one(self) -> Track | None:
        """The one training there is, or None: which of several an evaluation belongs to cannot be told."""
        return self.all[0] if len(self.all) == 1 else None

    def names(self) -> dict[int, str]:
        """Return the names of the parameters by their `id`."""
        models = [track.model for track in self.all if track.model is not None]
        return {id(parameter): name for model in models for name, parameter in model.named_parameters()}

    def armed(self) -> list[Track]:
        """Return the trainings whose next step is a sample."""
        return [track for track in self.all if track.watch.is_armed]

    def charge(self, seconds: float) -> None:
        """Count time of ours to the trainings whose sample it was spent on."""
        armed = self.armed()
        for track in armed:
            track.watch.charge(seconds / len(armed))
        if not armed:
            self.spent += seconds

    def facts(self, track: Track, *, steps: int = 0) -> Facts:
        """Return what is known of one training; `steps` is given when it is over."""
        return track.facts(source=self._source, steps=steps)

    def judge_if_due(self, track: Track, *, backwards: int, lines: dict[str, str]) -> None:
        """Run the rules now and then, as the budget allows."""
        now = time.perf_counter()
        if track.samples >= _FEWEST_SAMPLES and (now - self._judged) * self._budget * _JUDGING_SHARE > self._judging:
            self.judge(backwards=backwards, lines=lines)
            self._judged = time.perf_counter()
            self._judging = self._judged - now

    def judge(self, *, backwards: int, lines: dict[str, str], is_over: bool = False) -> list[Finding]:
        """Run the rules over what was seen.

        Args:
            backwards: backward passes so far.
            lines: lines of the user by what happens there.
            is_over: whether the script has ended.
        Returns:
            all findings, causes first.
        """
        if is_over and not self.all and (idle := self.known()):
            self.begin(idle)
        for track in self.all:
            signal = track.series.signal
            signal("code/idle_optimizers", track.step, 0.0 if self.steps else float(len(self.known())))
            signal("code/step_calls", track.step, float(track.step))
            signal("code/backward_calls", track.step, float(backwards))
            own = {"optimizer": track.made_at} if track.made_at and "optimizer" in lines else {}
            for event, line in {**lines, **own}.items():
                file, _, number = line.rpartition(":")
                if (name := f"code/line/{event}/{file}") not in track.series.signals:
                    signal(name, track.step, float(number))
        return self.record.judge(
            {one.series: self.facts(one, steps=(one.step or backwards) if is_over else 0) for one in self.all}
        )
