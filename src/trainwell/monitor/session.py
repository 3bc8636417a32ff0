"""Listens to a training that is not ours, and measures it within a budget."""

from __future__ import annotations

import math
import os
import threading
import time
import traceback
import weakref
from collections.abc import Sequence
from types import FrameType
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from trainwell.core.finding import Finding
from trainwell.monitor.autograd.graph import WHOLE, nonfinite_origin, origin_signal, read_loss
from trainwell.monitor.code.errors import error_line, error_signals, message
from trainwell.monitor.code.source_lines import is_called_by_user, user_line
from trainwell.monitor.hooks.torch_hooks import Taps
from trainwell.monitor.trainings.evaluations import Evaluations
from trainwell.monitor.trainings.measure import Call, Sight, enclosing, sample, unwrapped
from trainwell.monitor.trainings.record import Record
from trainwell.monitor.trainings.training import Track, gradient_size
from trainwell.monitor.trainings.trainings import Trainings

_MOST_BACKWARDS = 32  # A sample that waits longer for its step than this many backward passes stops listening.
_MOST_FAILURES = 10
_SCALED = 16.0
_CALL_SECONDS = 6e-6  # Cost of listening to the call of one module: 5 microseconds for us, the rest for the probes.
_LOSS_RESOLUTION = 32  # A loss that is recorded at step n is the mean over the last n / 32 backward passes.


@final
class Session:
    """Watches every training of this process from `start` to `finish`.

    Args:
        record: where everything goes.
        budget: watching time as a fraction of training time.
        source: name of the script.
        model: the network, if it is known; else the modules that are called are found.
        optimizers: the optimizers, if they are known; then others are left alone.
        host: kind of device on which nothing needs to be waited for.
    """

    def __init__(
        self,
        record: Record,
        *,
        budget: float = 0.02,
        source: str = "",
        model: nn.Module | None = None,
        optimizers: Sequence[Optimizer] = (),
        host: str = "cpu",
    ) -> None:
        self.record = record
        self.trainings = Trainings(record, budget=budget, source=source, only=optimizers)
        self.error, self._budget = "", budget
        self._sight = Sight(model)
        self._lines: dict[str, str] = {}
        self._taps = Taps(self, host=host)
        self._evaluations = Evaluations()
        self._epoch_loss, self._epoch_count = 0.0, 0
        self._known: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        self.backwards = self._failures = self._depth = self._thread = self._heard = 0
        self.is_listening = self.checks_loss = True
        self.loss_sum, self.loss_count, self._loss_due = 0.0, 0, 1
        self._backwards_at_step = self._steps_at_backward = 0
        self._is_new, self._new_since = True, 0  # nothing has been sampled yet, since that backward pass: listen
        self._is_shown = False  # the user has shown the loss of this step
        self._suspect: tuple[str, int, float] | None = None  # what may have broken the first gradient
        self._waiting: tuple[Track, int] | None = None
        self._process = os.getpid()

    # From start to finish -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start to listen."""
        if self._budget > 0:
            self._taps.install()
            leave = weakref.WeakMethod(self._taps.remove)
            os.register_at_fork(after_in_child=lambda: (forget := leave()) is not None and forget())

    def pause(self) -> None:
        """Stop to listen for a while."""
        self._taps.remove()

    def resume(self) -> None:
        """Listen again."""
        self._taps.install()
        self._listen()

    @property
    def is_armed(self) -> bool:
        """Whether a sample is under way."""
        return self._is_new or bool(self.trainings.armed())

    def finish(self) -> list[Finding]:
        """Stop to listen, judge what was seen, and return all findings; none in a process that was forked off."""
        self._taps.remove()
        if os.getpid() != self._process:
            return []
        for track in self.trainings.all:
            track.watch.stop()
        try:
            self._close()
        except Exception as problem:  # Watching must never break a training.
            self.failed(problem)
        self._sight.forget()
        return self.judge(is_over=True)

    def _close(self) -> None:
        """Take in what waits for the end."""
        if self._evaluations.is_open:
            self._close_evaluation(is_last=True)
        if self.loss_count * 4 > self._loss_due and (last := self.trainings.last) is not None:
            self._record_loss(last, last.step)
        if (track := self.trainings.only_one) is not None:
            self._evaluations.record_relation(track)

    def judge(self, *, is_over: bool = False) -> list[Finding]:
        """Run the rules over what was seen so far."""
        return self.trainings.judge(backwards=self.backwards, lines=self._lines, is_over=is_over)

    def note_error(self, error: BaseException) -> None:
        """Take what an exception in the user's code says about its cause."""
        self.error = f"{type(error).__name__}: {message(error)}"
        try:
            found, trainings = error_signals(error), self.trainings
            track = trainings.last or next(iter(trainings.all), None) or (trainings.begin([]) if found else None)
            if track is not None:
                for name, value in found.items():
                    track.series.signal(f"code/error/{name}", track.step, value)
            if line := error_line(error):
                self._lines["error"] = line
        except Exception as problem:  # Watching must never break a training.
            self.failed(problem)

    def show_loss(self, loss: Tensor) -> None:
        """Take the loss of the step under way from the user; backward passes are then not asked for one."""
        self._is_shown = False
        self._listen_to(loss)
        self._is_shown = True

    @property
    def steps(self) -> int:
        """Optimizer steps of the training that took most."""
        return max((track.step for track in self.trainings.all), default=0)

    # What the taps tell -------------------------------------------------------------------------------------------

    def failed(self, problem: Exception) -> None:
        """Note trouble of our own; too much of it ends the watching."""
        self._failures += 1
        frames = [*traceback.walk_tb(problem.__traceback__)]
        at = "".join(f"{os.path.basename(frame.f_code.co_filename)}:{line}" for frame, line in frames[-1:])
        self.record.event("internal", {"problem": f"{type(problem).__name__}: {message(problem)}", "line": at})
        if self._failures > _MOST_FAILURES:
            self._taps.remove()

    def optimizer_made(self, optimizer: Optimizer) -> None:
        """Remember an optimizer from its construction on."""
        if self.trainings.meet(optimizer):
            self._note_line("optimizer")
            if self._budget > 0 and self.trainings.has_room:  # A second training: see its network from its first call.
                self._is_new, self._new_since = True, self.backwards
                self._listen()

    def weights_loaded(self, module: nn.Module) -> None:
        """Remember which modules did not start from random weights."""
        self._sight.loaded.update(module.modules())

    def compiled(self, thing: object) -> None:
        """Take all hooks away for good: a compiled network would be compiled again for each of them."""
        self.trainings.hooks = False
        self._taps.leave_losses()
        self._listen()
        if isinstance(thing, nn.Module) and self._sight.given is None:
            self._sight.given = thing

    def scheduler_stepped(self, scheduler: LRScheduler) -> None:
        """Notice a schedule that moves on before anything was trained."""
        # A gradient scaler multiplies the loss with much, and may skip the first step.
        is_scaled = abs(self._sight.reading.factor) > _SCALED
        if scheduler._step_count == 2 and (not self.backwards or (not self.trainings.steps and not is_scaled)):
            self._sight.early_signs["scheduler_before_optimizer"] = 1.0
        if scheduler._step_count == 2:
            self._note_line("scheduler")

    def gradients_off(self, frame: FrameType) -> None:
        """Look into the first forward pass of what may be an evaluation."""
        if self.trainings.hooks and self.trainings.all:
            trainings = self.trainings
            affordable = trainings.overhead_fraction <= self._budget
            self._evaluations.gradients_off(frame, trainings.steps, trainings=len(trainings.all), affordable=affordable)
            self._listen()

    def evaluation_loss(self, name: str, inputs: tuple[Any, ...], options: Any, result: object) -> None:
        """Take a loss that is computed without gradients."""
        if self._evaluations.is_measured and (track := self.trainings.only_one) is not None:
            self._evaluations.take_loss(track, name, inputs, options, result)

    def before_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Remember the outermost modules that are called, and which lie inside."""
        thread = threading.get_ident()
        if self._depth == 0:
            self._thread = thread
            self._enter(module, inputs)
        elif thread != self._thread:
            return
        self._depth += 1
        self._heard += 1
        self._sight.called.add(module)

    def after_forward(self, module: nn.Module, inputs: tuple[Any, ...], options: Any, output: object) -> None:
        """Remember what the outermost module answered."""
        if threading.get_ident() == self._thread:
            self._sight.note_sequence(module, inputs, options)
            self._depth = max(0, self._depth - 1)
            if self._depth == 0 and (call := self._sight.calls.get(module)) is not None:
                call.options, call.output = options, output

    def before_backward(self, loss: object) -> None:
        """Read the loss and its graph in a sampled step."""
        self._depth = 0
        if isinstance(loss, Tensor) and self.checks_loss and loss.is_cpu and loss.ndim == 0:
            if math.isfinite(value := loss.item()):
                self.loss_sum += value
                self.loss_count += 1
            else:
                self.loss_not_finite(loss)
        if isinstance(loss, Tensor) and self.is_armed:
            began = time.perf_counter()
            self._listen_to(loss)
            self.trainings.charge(time.perf_counter() - began)

    def loss_not_finite(self, loss: Tensor) -> None:
        """Trace a loss that is not finite to where its first bad number came from; once."""
        self.checks_loss = False
        track = self.trainings.last or next(iter(self.trainings.all), None)
        if track is None:
            return
        origin, share = nonfinite_origin(loss, self.trainings.names())
        track.series.loss(track.step, float(loss.detach()))
        track.series.signal(origin_signal(origin), track.step, share)

    def after_backward(self) -> None:
        """Measure the gradient; take the sample of an optimizer that computes its loss within its step."""
        if (waiting := self._waiting) is not None:
            self._waiting = None
            waiting[0].after = gradient_size(waiting[0].led())
            self._attend(*waiting)
        elif self.is_armed:
            began = time.perf_counter()
            for track in self.trainings.armed():
                track.after = gradient_size(track.led())
                if self._suspect and not math.isfinite(track.after):
                    track.series.signal(*self._suspect)
                    self._suspect = None
            self.trainings.charge(time.perf_counter() - began)
            if self.backwards - (self._new_since if self._is_new else self._backwards_at_step) > _MOST_BACKWARDS:
                self._is_new = self.is_listening = False
                for track in self.trainings.all:  # what comes now is not heard
                    track.before = None
                self._taps.listen_to_modules(False)

    def before_step(self, optimizer: Optimizer, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Count a step; take its sample if it is time."""
        trainings, evaluations = self.trainings, self._evaluations
        track = trainings.owner.get(id(optimizer))
        is_same, self._backwards_at_step = self.backwards == self._backwards_at_step, self.backwards
        # The usual step comes first, because it must cost next to nothing.
        if track is not None and track is trainings.last and track.leader == id(optimizer):
            step = track.step
            track.step = step + 1
            trainings.steps += 1
        else:
            if (counted := trainings.step(optimizer, same_gradient=is_same)) is None:
                return
            track, step = counted
        if evaluations.is_open:
            self._close_evaluation()
            self._listen()
        if track.modal is not None and track.modal.training is not track.mode:
            track.note_mode(step)
        if self.loss_count >= self._loss_due:
            self._record_loss(track, step)
        if step >= track.watch.wake or not track.is_composed:
            self._note_line("step")
            if (len(inputs) > 1 and callable(inputs[1])) or options.get("closure") is not None:
                self._waiting, self.is_listening = (track, step), True
            else:
                self._attend(track, step)

    # How it is done -----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        """Listen to backward and forward passes if that is of use now."""
        self.is_listening = self.is_armed or self._waiting is not None
        wanted = self._evaluations.is_near or self._evaluations.wants_inputs or self.is_armed
        if not self._taps.hears_modules:  # where it was left amid a forward pass, its end has not been heard
            self._depth = 0
        self._taps.listen_to_modules(self.trainings.hooks and wanted)

    def _enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """An outermost module is called."""
        grades, sight = torch.is_grad_enabled(), self._sight
        if self._evaluations.is_measured and not grades and (track := self.trainings.only_one) is not None:
            self._evaluations.enter(track, unwrapped(module), inputs)
        if self._evaluations.is_near and not grades:
            for track, is_training in self._evaluations.look(unwrapped(module), self.trainings.all):
                track.series.signal("code/evaluation_in_train_mode", track.step, float(is_training))
                self._note_line("evaluation")
            self._listen()
        elif self.is_armed and (grades or module not in sight.calls):
            sight.calls.pop(module, None)
            sight.calls[module] = Call(grades, module.training, inputs)
            if grades and module not in self._known and any(True for _ in module.parameters()):
                self._known.add(module)
                self._taps.listen_to_keras()
                self._note_line("forward")
                sight.parents.update(enclosing(module))
                if (begun := self.trainings.begin_for(module)) is not None:
                    begun.start(sight.given or unwrapped(module), step=0)

    def _record_loss(self, track: Track, step: int) -> None:
        """Record the mean loss since the last time: in every step at first, about a hundred times in a long run."""
        reading = self._sight.reading if self._sight.reading.kind else track.reading
        scale = (reading.factor or 1.0) if reading.is_mean else 1.0
        track.series.loss(step, self.loss_sum / self.loss_count / scale)
        self._epoch_loss += self.loss_sum / scale
        self._epoch_count += self.loss_count
        self.loss_sum, self.loss_count, self._loss_due = 0.0, 0, 1 + step // _LOSS_RESOLUTION
        self.trainings.note_time(track)

    def _close_evaluation(self, *, is_last: bool = False) -> None:
        """Record what an evaluation has shown."""
        track = self.trainings.only_one
        if track is None:
            self._evaluations.is_open = self._evaluations.is_near = self._evaluations.is_measured = False
            return
        if self.loss_count:
            self._record_loss(track, max(0, track.step - 1))
        if self._evaluations.close(track, self._epoch_loss, losses=self._epoch_count, is_last=is_last):
            self._epoch_loss, self._epoch_count = 0.0, 0

    def _listen_to(self, loss: Tensor) -> None:
        """Note the loss of this step, the faults its graph shows, and what gradient still lies there before it."""
        if self._steps_at_backward != self.trainings.steps:  # the first backward pass after a step
            self._steps_at_backward, self._is_shown = self.trainings.steps, False
            self._sight.losses.clear()
            self._sight.signs.clear()
        for track in self.trainings.all:
            size = gradient_size(track.led())
            track.before = size if track.before is None else min(size, track.before)
        if self.trainings.steps == 0 and self.trainings.all:  # later it would cost too much
            origin, share = nonfinite_origin(loss, self.trainings.names(), of_gradient=True)
            self._suspect = None if origin == WHOLE else (origin_signal(origin), 0, share)
        if not self._is_shown:
            if "forward" in self._lines and not is_called_by_user():  # a framework calls backward; the loss is ours
                self._lines.setdefault("backward", self._lines["forward"])
            self._note_line("backward")
            self._sight.take(loss, read_loss(loss))

    def _attend(self, track: Track, step: int) -> None:
        """Take the sample of a step, or get ready for that of the next."""
        began = time.perf_counter() - self._heard * _CALL_SECONDS
        self._heard = 0
        self.trainings.note_time(track)
        if track.watch.is_armed or not track.is_composed:
            moment = sample(self._sight, track, step, trainings=self.trainings)
            track.watch.charge(time.perf_counter() - began)
            if moment is not None:
                track.watch.look(moment)
                for line, share in self._taps.waits.shares(moment.model, step).items():
                    track.series.signal(f"code/waits/{line}", step, share)
                if track is self.trainings.only_one:
                    passes = self.backwards / max(1, self.trainings.steps)
                    self._evaluations.train(track, moment.batch.inputs, self._sight, passes=passes)
            elif track.model is not None:
                track.watch.get_ready(track.model, step)
            began = time.perf_counter()
            self._sight.forget()
            self.trainings.judge_if_due(track, backwards=self.backwards, lines=self._lines)
            track.series.flush_if_due()
            track.watch.charge(time.perf_counter() - began)
        elif track.model is not None:
            track.watch.get_ready(track.model, step)
        self._is_new = False
        self._listen()

    def _note_line(self, event: str) -> None:
        """Keep the first line of the user at which something happens."""
        if event not in self._lines and (line := user_line()) is not None:
            self._lines[event] = line
