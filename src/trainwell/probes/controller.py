"""Reads probes at sampled steps, within an overhead budget."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import final

import torch
from torch import nn

from trainwell.core.contracts.moment import Moment
from trainwell.core.contracts.protocols import PreparedProbe, Probe, Recorder
from trainwell.core.overhead_budget import OVERHEAD_BUDGET
from trainwell.probes.activations import HOOK_SECONDS
from trainwell.probes.schedule import SamplingSchedule

# Cost of a sample over the time spent in it: training finds its caches cold afterwards. benchmarks/watch.py shows 1.3
# to 1.5 for an MLP of 1 ms a step.
_COLD_CACHES = 1.4
_NEVER = sys.maxsize


@final
class SampledProbes:
    """Reads probes at sampled steps so that their cost stays within a budget; see `SamplingSchedule`.

    On a step that is not sampled, `measure` compares two integers. A probe that fails is switched off and recorded as
    an event "internal"; training continues.

    Args:
        probes: cheap probes, read at every sample.
        recorder: where the measurements go.
        expensive: probes that are read at the first eight samples and then at every fourth.
        budget: probing time as a fraction of training time; 0 switches probing off.

    Attributes:
        next_step: the next step at which there is something to do: until then `measure` need not be called.

    A training loop uses it so:

        probes.start(model)
        for moment in train(job, state):
            probes.measure(moment)
        probes.stop()
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        recorder: Recorder,
        *,
        expensive: Sequence[Probe] = (),
        budget: float = OVERHEAD_BUDGET,
    ) -> None:
        self.next_step = _NEVER
        self._cheap = list(probes)
        self._expensive = list(expensive)
        self._recorder = recorder
        self._schedule = SamplingSchedule(first=0, budget=budget)
        self._chosen: list[Probe] = []  # the probes of the sample that is prepared
        self._prepared_step = _NEVER
        self._preparation_seconds = 0.0
        self._last_read = -1

    @property
    def budget(self) -> float:
        """Probing time as a fraction of training time."""
        return self._schedule.budget

    @budget.setter
    def budget(self, budget: float) -> None:
        self._schedule.budget = budget

    @property
    def overhead_fraction(self) -> float:
        """Time spent on probing over the time spent on everything else, since `start`."""
        return self._schedule.overhead_fraction

    @property
    def spent(self) -> float:
        """Seconds of probing since `start`."""
        return self._schedule.spent

    @property
    def is_prepared(self) -> bool:
        """Whether a sample is prepared and its step has not come yet."""
        return self._prepared_step != _NEVER

    def charge(self, seconds: float) -> None:
        """Count time that watching has cost elsewhere: hooks in a loop that is not ours, rules."""
        self._schedule.spent += seconds * _COLD_CACHES

    @contextmanager
    def charging(self) -> Iterator[None]:
        """Count the time that the `with` block takes."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.charge(time.perf_counter() - began)

    def start(self, model: nn.Module, step: int = 0) -> None:
        """Get ready for the first step; call it once, before the first forward pass.

        Args:
            model: the network.
            step: number of the first step; not 0 if the run is resumed.
        """
        self._schedule = SamplingSchedule(first=step, budget=self.budget)
        if self.budget > 0:
            self._prepare(model, step)
            self.next_step = step

    def stop(self) -> None:
        """Release a sample whose step will not come: no hook stays behind."""
        for probe in self._chosen if self.is_prepared else ():
            if isinstance(probe, PreparedProbe):
                with self._guard(probe):
                    probe.release()
        self._prepared_step = _NEVER
        self.next_step = _NEVER

    def measure(self, moment: Moment) -> None:
        """Read the probes if this step is sampled, and prepare the next step if that will be."""
        if moment.step >= self.next_step:
            self._sample(moment)

    def measure_now(self, moment: Moment) -> None:
        """Read every probe now, sampled or not: for the step at which a run broke off.

        Probes that need preparation and had none write nothing; nor does a step that was sampled anyway.
        """
        if moment.step == self._last_read:
            return
        self._chosen = [*self._cheap, *self._expensive]
        self._read(moment)
        self._prepared_step = _NEVER

    def prepare(self, model: nn.Module, step: int) -> None:
        """Prepare the step after `step` if it is to be sampled; `measure` does it by itself."""
        due = self._schedule.next_sample
        if step + 1 >= due:
            self._prepare(model, step + 1)
        self.next_step = due if self.is_prepared else due - 1

    def _sample(self, moment: Moment) -> None:
        if moment.step >= self._prepared_step:
            _synchronise(moment)
            began = time.perf_counter()
            hooks = self._read(moment)
            seconds = (time.perf_counter() - began + hooks + self._preparation_seconds) * _COLD_CACHES
            self._prepared_step = _NEVER
            self._recorder.signal("time/probe_seconds", moment.step, value=seconds)
            self._schedule.sampled(moment.step, seconds=seconds)
        self.prepare(moment.model, moment.step)

    def _prepare(self, model: nn.Module, step: int) -> None:
        began = time.perf_counter()
        self._chosen = [*self._cheap, *self._expensive] if self._schedule.is_expensive else list(self._cheap)
        self._prepared_step = step
        for probe in self._chosen:
            if isinstance(probe, PreparedProbe):
                with self._guard(probe):
                    probe.prepare(model)
        self._preparation_seconds = time.perf_counter() - began

    def _read(self, moment: Moment) -> float:
        """Read the chosen probes, record their measurements, and return the seconds their hooks took."""
        hooks = 0.0
        self._last_read = moment.step
        for probe in self._chosen:  # Also one whose preparation failed: reading removes the hooks it did install.
            measured: dict[str, float] = {}
            with self._guard(probe):
                measured |= probe.read(moment)
            hooks += measured.pop(HOOK_SECONDS, 0.0)
            for name, value in measured.items():
                self._recorder.signal(name, moment.step, value=value)
        return hooks

    @contextmanager
    def _guard(self, probe: Probe) -> Iterator[None]:
        try:
            with torch.no_grad():
                yield
        except Exception as problem:  # probing must never break a training
            self._cheap = [other for other in self._cheap if other is not probe]
            self._expensive = [other for other in self._expensive if other is not probe]
            detail = {"probe": type(probe).__name__, "problem": f"{type(problem).__name__}: {problem}"}
            self._recorder.event("internal", detail)


def _synchronise(moment: Moment) -> None:
    # Work that training had queued on the device is no cost of probing: let it end before the clock starts.
    if moment.loss.is_cuda:
        torch.cuda.synchronize(moment.loss.device)
