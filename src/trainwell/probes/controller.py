"""When to look: an overhead budget, not an interval."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import final

import torch
from torch import nn

from trainwell.core.moment import Moment
from trainwell.core.protocols import Probe, Recorder
from trainwell.probes.activations import HOOK_SECONDS

_DENSE_SAMPLES = 6  # Steps 0, 1, 2, 4, 8 and 16 are always sampled: most faults show at once.
_DEAR_SAMPLES = 8  # Eight batches of 64 are the 512 examples for which a unit must be silent to count as dead.
_DEAR_EVERY = 4  # Dear probes are read at every fourth sample after that.
_RESOLUTION = 256  # A run of n steps needs no finer series than n / 256: bounds what is stored.
_ALLOWANCE = 0.04  # Seconds that nobody misses, so that runs of a second or two are seen well too.
_ALLOWED_RESOLUTION = 16  # The allowance is spread over the run: n / 16 steps apart.
# What a look costs in all, over the time spent in it: training finds its caches cold afterwards. benchmarks/watch.py
# shows 1.3 to 1.5 for an MLP of 1 ms a step.
_AFTERMATH = 1.4
_NEVER = sys.maxsize


@final
class Watch:
    """Reads probes at sampled steps so that their measured cost stays within a budget.

    All probes are read at steps 0, 1, 2, 4, 8 and 16, and at two samples more. From then on the next sample is taken
    when the time that training itself has taken pays for all probing so far and for the next sample. Two exceptions:
    the first 40 ms of probing need not be paid for, and a sample is due at the latest when the run is twice as old,
    so that an expensive probe still gets its few looks. On a step that is not sampled, `look` compares two integers.

    A probe that fails is switched off and recorded as an event "internal"; training goes on.

    Args:
        probes: cheap probes, read at every sample.
        recorder: where the numbers go.
        dear: probes that are read at every fourth sample.
        budget: probing time as a fraction of training time; 0 switches watching off.

    `wake` is the next step at which there is something to do: until then `look` need not be called.

    The loop of the user:

        watch.start(model)
        for moment in train(job, state):
            watch.look(moment)
    """

    def __init__(
        self, probes: Sequence[Probe], recorder: Recorder, *, dear: Sequence[Probe] = (), budget: float = 0.02
    ) -> None:
        self._cheap = list(probes)
        self._dear = list(dear)
        self._recorder = recorder
        self.budget = budget
        self.wake = self._armed_for = _NEVER  # steps: the next that is not ignored, the one that is prepared
        self._armed: list[Probe] = []
        self._first = self._next = self._samples = 0
        self._last_read = -1
        self._began = time.perf_counter()
        self._spent = self._arming = 0.0  # seconds: in all, and for the preparation of the armed sample
        self._costs = {True: 0.0, False: 0.0}  # seconds of the last sample with dear probes, and without

    @property
    def overhead_fraction(self) -> float:
        """Time spent on probing over the time spent on everything else, since `start`."""
        return self._spent / max(time.perf_counter() - self._began - self._spent, 1e-9)

    @property
    def spent(self) -> float:
        """Seconds of probing since `start`."""
        return self._spent

    @property
    def is_armed(self) -> bool:
        """Whether a sample is prepared and waits for its moment."""
        return self._armed_for != _NEVER

    def charge(self, seconds: float) -> None:
        """Count time that watching has cost elsewhere: hooks in a loop that is not ours, rules."""
        self._spent += seconds * _AFTERMATH

    def start(self, model: nn.Module, step: int = 0) -> None:
        """Get ready for the first step; call it once, before the first forward pass.

        Args:
            model: the network.
            step: number of the first step; not 0 if the run is resumed.
        """
        self._began, self._spent, self._samples = time.perf_counter(), 0.0, 0
        if self.budget > 0:
            self._first = self._next = self.wake = step
            self._arm(model, step)

    def stop(self) -> None:
        """Take back the preparation of a sample that will not come: no hook stays behind."""
        for probe in self._armed if self.is_armed else ():
            with self._guard(probe):
                probe.disarm()
        self.wake = self._armed_for = _NEVER

    def look(self, moment: Moment) -> None:
        """Read the probes if this step is sampled, and get ready if the next one is."""
        if moment.step >= self.wake:
            self._attend(moment)

    def look_closely(self, moment: Moment) -> None:
        """Read every probe now, sampled or not: for the step at which a run broke off.

        Probes that need preparation and had none write nothing; nor does a step that was sampled anyway.
        """
        if moment.step == self._last_read:
            return
        self._armed = [*self._cheap, *self._dear]
        self._read(moment)
        self._armed_for = _NEVER

    def _attend(self, moment: Moment) -> None:
        step = moment.step
        if step >= self._armed_for:
            _wait_for(moment)
            began = time.perf_counter()
            hooks = self._read(moment)
            cost = (time.perf_counter() - began + hooks + self._arming) * _AFTERMATH
            self._costs[self._is_dear()] = cost
            self._samples += 1
            self._spent += cost
            self._armed_for = _NEVER
            self._recorder.signal("time/probe_seconds", step, cost)
            self._next = step + self._gap(step - self._first)
        self.get_ready(moment.model, step)

    def get_ready(self, model: nn.Module, step: int) -> None:
        """Prepare the next step if it is to be sampled; `look` does it by itself."""
        if step + 1 >= self._next:
            self._arm(model, step + 1)
        self.wake = self._next if self.is_armed else self._next - 1

    def _gap(self, age: int) -> int:
        """Return in how many steps to look again, `age` steps after the start."""
        if self._samples < _DENSE_SAMPLES:
            return max(1, age)
        training = max(time.perf_counter() - self._began - self._spent, 1e-9)
        owed = (self._spent + self._costs[self._is_dear()]) / self.budget - training
        affordable = owed / (training / age) + 1
        if self._spent < _ALLOWANCE:
            affordable = min(affordable, age // _ALLOWED_RESOLUTION)
        return int(min(max(1, affordable, age // _RESOLUTION), age))

    def _is_dear(self) -> bool:
        return self._samples < _DEAR_SAMPLES or self._samples % _DEAR_EVERY == 0

    def _arm(self, model: nn.Module, step: int) -> None:
        began = time.perf_counter()
        self._armed = [*self._cheap, *self._dear] if self._is_dear() else list(self._cheap)
        self._armed_for = step
        for probe in self._armed:
            with self._guard(probe):
                probe.arm(model)
        self._arming = time.perf_counter() - began

    def _read(self, moment: Moment) -> float:
        """Read the armed probes, record what they say, and return the seconds their hooks took."""
        hooks, self._last_read = 0.0, moment.step
        for probe in self._armed:  # Also one that failed to arm: reading removes the hooks it did install.
            measured: dict[str, float] = {}
            with self._guard(probe):
                measured |= probe.read(moment)
            hooks += measured.pop(HOOK_SECONDS, 0.0)
            for name, value in measured.items():
                self._recorder.signal(name, moment.step, value)
        return hooks

    @contextmanager
    def _guard(self, probe: Probe) -> Iterator[None]:
        try:
            with torch.no_grad():
                yield
        except Exception as problem:  # Watching must never break a training.
            self._cheap = [other for other in self._cheap if other is not probe]
            self._dear = [other for other in self._dear if other is not probe]
            detail = {"probe": type(probe).__name__, "problem": f"{type(problem).__name__}: {problem}"}
            self._recorder.event("internal", detail)


def _wait_for(moment: Moment) -> None:
    # Work that training had queued on the device is not a cost of probing: let it end before the clock starts.
    if moment.loss.is_cuda:
        torch.cuda.synchronize(moment.loss.device)
