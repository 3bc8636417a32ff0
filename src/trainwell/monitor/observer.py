"""Turns what the hooks report into samples, measurements and records."""

from __future__ import annotations

import math
import threading
import time
from types import FrameType
from typing import Any, NamedTuple, final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from trainwell.core.contracts.moment import Moment
from trainwell.monitor.autograd.loss import read_loss
from trainwell.monitor.autograd.nonfinite import WHOLE_LOSS, nonfinite_origin, origin_signal
from trainwell.monitor.code.source_lines import EventLines, is_called_by_user
from trainwell.monitor.evaluations.evaluations import Evaluations, Phase
from trainwell.monitor.evaluations.held_out import HeldOut
from trainwell.monitor.hooks.counters import Listening, LossMeter, Mode, PassCounter
from trainwell.monitor.hooks.torch_hooks import TorchHooks
from trainwell.monitor.trainings.networks import calling_modules, unwrapped
from trainwell.monitor.trainings.observations import ModuleCall, Observations
from trainwell.monitor.trainings.sample import take_sample
from trainwell.monitor.trainings.training import NetworkState, Training
from trainwell.monitor.trainings.trainings import Trainings

_MOST_PASSES = 32  # A sample whose step does not come within so many backward passes is given up.
_LARGEST_FACTOR = 16.0  # A loss that was multiplied with more is that of a gradient scaler.
_CALL_SECONDS = 6e-6  # Cost of hooking the call of one module: 5 microseconds for us, the rest for the probes.


class _Step(NamedTuple):
    """One step of one training."""

    training: Training
    number: int


@final
class Observer:
    """Receives what the hooks report of all trainings of a process; see `Listener`.

    Args:
        trainings: counts the steps and keeps the trainings.
        model: the network, if it is known; else the modules that are called are found.
        host: kind of device that needs no synchronisation.
    """

    def __init__(self, trainings: Trainings, *, model: nn.Module | None = None, host: str = "cpu") -> None:
        self.trainings = trainings
        self.passes = PassCounter()
        self.losses = LossMeter()
        self.listening = Listening(self.passes)
        self.hooks = TorchHooks(self, host=host)
        self.lines = EventLines()
        self._observations = Observations(model)
        self._evaluations = Evaluations()
        self._held_out = HeldOut()
        self._step_under_way: _Step | None = None  # in mode IN_STEP

    @property
    def is_sampling(self) -> bool:
        """Whether a sample is under way."""
        step = self._step_under_way
        is_first = step is not None and step.training.network.state is not NetworkState.COMPOSED
        return self.listening.mode is Mode.SEARCHING or is_first or bool(self.trainings.prepared())

    def show_loss(self, loss: Tensor) -> None:
        """Take the loss of the step under way from the user; the losses of backward passes are then not read."""
        self._observations.has_user_loss = False
        self._observe_loss(loss)
        self._observations.has_user_loss = True

    def close(self) -> None:
        """Record what was kept for the end."""
        if self._evaluations.is_open:
            self._close_evaluation(is_last=True)
        if self.losses.is_partly_due and (last := self.trainings.last) is not None:
            self._record_loss(last, last.step)
        if (training := self.trainings.only_one) is not None:
            with training.probes.charging():
                self._held_out.record_target_relation(training)

    def clear(self) -> None:
        """Release everything that the last sample has kept alive."""
        self._observations.clear()

    # What the hooks report ----------------------------------------------------------------------------------------

    def failed(self, problem: Exception) -> None:
        """Record an error of our own; too many end the watching."""
        if self.trainings.record.failure(problem):
            self.hooks.remove()

    def optimizer_made(self, optimizer: Optimizer) -> None:
        """Remember an optimizer from its construction on."""
        if self.trainings.optimizers.add(optimizer):
            self.lines.add_current("optimizer")
            if self.trainings.overhead.budget > 0 and self.trainings.has_room:
                self.listening.search()  # A second training: observe its network from its first call.
                self.update_hooks()

    def thread_changed(self) -> None:
        """Forget what was observed in other threads, whose networks must not be touched."""
        self._observations.keep_thread(threading.get_ident())
        self.trainings.last = None
        self._step_under_way = None
        self.listening.search()
        self.update_hooks()

    def weights_loaded(self, module: nn.Module) -> None:
        """Remember which modules did not start from random weights."""
        self._observations.modules.loaded.update(module.modules())

    def compiled(self, thing: object) -> None:
        """Remove all hooks of modules for good: a compiled network would be compiled again for each of them."""
        self.trainings.allows_hooks = False
        self.hooks.unwrap_losses()
        self.update_hooks()
        modules = self._observations.modules
        if isinstance(thing, nn.Module) and modules.given is None:
            modules.given = thing

    def scheduler_stepped(self, scheduler: LRScheduler) -> None:
        """Notice a schedule that steps before the optimizer does."""
        if scheduler._step_count != 2:  # The constructor makes the first step.
            return
        # A gradient scaler multiplies the loss with a large factor, and may skip the first step.
        is_scaled = abs(self._observations.reading.reduction.factor) > _LARGEST_FACTOR
        if not self.passes.count or (not self.trainings.steps and not is_scaled):
            self._observations.early_signals["scheduler_before_optimizer"] = 1.0
        self.lines.add_current("scheduler")

    def gradients_off(self, frame: FrameType) -> None:
        """Observe the first forward pass of what may be an evaluation."""
        trainings = self.trainings
        if trainings.allows_hooks and trainings.all:
            starts = self._evaluations.gradients_off(
                frame, trainings.steps, trainings=len(trainings.all), is_affordable=trainings.is_within_budget
            )
            if starts:
                self._held_out.start()
            self.update_hooks()

    def evaluation_loss(self, name: str, inputs: tuple[Any, ...], *, options: Any, result: object) -> None:
        """Take a loss that is computed without gradients."""
        if self._evaluations.is_measured and (training := self.trainings.only_one) is not None:
            with training.probes.charging():
                self._held_out.add_loss(training, name, inputs=inputs, options=options, result=result)

    def before_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Remember the outermost modules that are called, and which lie inside."""
        is_outermost = self._observations.depth.enter(threading.get_ident())
        if is_outermost is None:
            return
        self._observations.called.add(module)
        if is_outermost:
            self._note_call(module, inputs)

    def after_forward(self, module: nn.Module, inputs: tuple[Any, ...], *, options: Any, output: object) -> None:
        """Remember what the outermost module returned."""
        observations = self._observations
        if observations.depth.is_current(threading.get_ident()):
            observations.sequences.add(module, inputs, options=options)
            if observations.depth.leave() and (call := observations.calls.get(module)) is not None:
                call.options = options
                call.output = output

    def before_backward(self, loss: object) -> None:
        """Read the loss and its graph in a sampled step."""
        self._observations.depth.reset()
        if not isinstance(loss, Tensor):
            return
        if self.losses.is_checked and loss.is_cpu and loss.ndim == 0:
            if math.isfinite(value := loss.item()):
                self.losses.sum += value
                self.losses.count += 1
            else:
                self.loss_not_finite(loss)
        if self.is_sampling:
            began = time.perf_counter()
            self._observe_loss(loss)
            self.trainings.charge(time.perf_counter() - began)

    def loss_not_finite(self, loss: Tensor) -> None:
        """Find where the first NaN or infinity of a loss came from; once."""
        self.losses.is_checked = False
        if (training := self.trainings.current) is None:
            return
        origin, share = nonfinite_origin(loss, self.trainings.parameter_names())
        training.series.loss(training.step, float(loss.detach()))
        training.series.signal(origin_signal(origin), training.step, value=share)

    def after_backward(self) -> None:
        """Measure the gradient; take the sample of an optimizer that computes its loss within its step."""
        if (step := self._step_under_way) is not None:
            step.training.note_gradient_after_backward()
            self._attend(step)
        elif self.is_sampling:
            began = time.perf_counter()
            for training in self.trainings.prepared():
                training.note_gradient_after_backward()
                origin = self._observations.gradient_origin
                if origin is not None and not math.isfinite(training.gradient.after):
                    name, at, value = origin
                    training.series.signal(name, at, value=value)
                    self._observations.gradient_origin = None
            self.trainings.charge(time.perf_counter() - began)
            if self.listening.passes_waited > _MOST_PASSES:
                self._give_up()

    def before_step(self, optimizer: Optimizer, arguments: tuple[Any, ...], *, options: dict[str, Any]) -> None:
        """Count a step; take its sample if it is due."""
        trainings = self.trainings
        training = trainings.owners.get(id(optimizer))
        same_gradient = self.passes.note_step()
        # The usual step comes first, because it must cost next to nothing.
        if training is not None and training is trainings.last and training.optimizers.leader == id(optimizer):
            number = training.step
            training.step = number + 1
            trainings.steps += 1
        else:
            if (counted := trainings.step(optimizer, same_gradient=same_gradient)) is None:
                return
            training, number = counted
        if self._evaluations.phase is not Phase.TRAINING:
            self._close_evaluation()
            self.update_hooks()
        if training.mode.has_changed:
            training.record_mode(number)
        if self.losses.is_due:
            self._record_loss(training, number)
        if number >= training.probes.next_step or training.network.state is not NetworkState.COMPOSED:
            self.lines.add_current("step")
            step = _Step(training, number)
            if (len(arguments) > 1 and callable(arguments[1])) or options.get("closure") is not None:
                self._step_under_way = step
                self.listening.enter_step()
            else:
                self._attend(step)

    # What is done with the reports --------------------------------------------------------------------------------

    def update_hooks(self) -> None:
        """Observe backward and forward passes if that is of use now."""
        is_sampling = self.is_sampling
        self.listening.update(is_prepared=is_sampling)
        if not self.hooks.has_module_hooks:  # hooks that were removed amid a forward pass have not seen its end
            self._observations.depth.reset()
        wanted = self._evaluations.phase is Phase.STARTING or self._held_out.wants_inputs or is_sampling
        self.hooks.hook_modules(self.trainings.allows_hooks and wanted)

    def _give_up(self) -> None:
        """Stop to observe passes: the step to sample does not come."""
        self.listening.end_step()
        for training in self.trainings.all:  # what comes now is not observed
            training.gradient.before = None
        self.hooks.hook_modules(False)

    def _note_call(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """An outermost module is called."""
        with_gradients = torch.is_grad_enabled()
        evaluations = self._evaluations
        calls = self._observations.calls
        training = self.trainings.only_one
        if evaluations.is_measured and not with_gradients and training is not None:
            with training.probes.charging():
                self._held_out.add_call(training, unwrapped(module), inputs=inputs, place=evaluations.line)
        if evaluations.phase is Phase.STARTING and not with_gradients:
            for one, is_training in evaluations.modes(unwrapped(module), self.trainings.all):
                one.series.signal("code/evaluation_in_train_mode", one.step, value=float(is_training))
                self.lines.add_current("evaluation")
            self.update_hooks()
        elif self.is_sampling and (with_gradients or module not in calls):
            calls.pop(module, None)  # the newest call comes last
            calls[module] = ModuleCall(with_gradients, module.training, inputs)
            if with_gradients:
                self._note_network(module)

    def _note_network(self, module: nn.Module) -> None:
        """An outermost module is called with gradients."""
        modules = self._observations.modules
        if module in modules.called or not any(True for _ in module.parameters()):
            return
        modules.called.add(module)
        self.hooks.hook_keras()
        self.lines.add_current("forward")
        modules.parents.update(calling_modules(module))
        if (begun := self.trainings.begin_for(module)) is not None:
            begun.start(modules.given if modules.given is not None else unwrapped(module), step=0)

    def _record_loss(self, training: Training, step: int) -> None:
        """Record the mean loss since the last record."""
        observed = self._observations.reading
        reading = observed if observed.kind else training.targets.reading
        training.series.loss(step, self.losses.take(step, scale=reading.reduction.scale))
        self.trainings.note_time(training)

    def _close_evaluation(self, *, is_last: bool = False) -> None:
        """Record what an evaluation has shown."""
        training = self.trainings.only_one
        if training is not None and self.losses.count:
            self._record_loss(training, max(0, training.step - 1))
        was_measured = self._evaluations.close()
        self._held_out.wants_inputs = False
        if was_measured and training is not None:
            with training.probes.charging():
                has_loss = self._held_out.close(training, train_loss=self.losses.epoch_mean(), is_last=is_last)
            if has_loss:
                self.losses.start_epoch()

    def _observe_loss(self, loss: Tensor) -> None:
        """Note the loss of this step, the faults its graph shows, and the gradient that is there before it."""
        observations = self._observations
        trainings = self.trainings
        if self.passes.is_first_after(trainings.steps):
            observations.start_step()
        for training in trainings.here():
            training.note_gradient_before_backward()
        if trainings.steps == 0 and trainings.all:  # later it would cost too much
            origin, share = nonfinite_origin(loss, trainings.parameter_names(), of_gradient=True)
            observations.gradient_origin = None if origin == WHOLE_LOSS else (origin_signal(origin), 0, share)
        if not observations.has_user_loss:
            if "forward" in self.lines.first and not is_called_by_user():  # a framework calls backward for the user
                self.lines.add("backward", self.lines.first["forward"])
            self.lines.add_current("backward")
            observations.add_loss(loss, read_loss(loss))

    def _attend(self, step: _Step) -> None:
        """Take the sample of a step, or prepare that of the next."""
        training, number = step
        training.thread = threading.get_ident()
        self._step_under_way = None
        began = time.perf_counter() - self._observations.depth.take_calls() * _CALL_SECONDS
        self.trainings.note_time(training)
        if training.probes.is_prepared or training.network.state is not NetworkState.COMPOSED:
            moment = take_sample(
                self._observations,
                training,
                step=number,
                optimizers=self.trainings.optimizers,
                is_alone=self.trainings.only_one is not None,
            )
            training.probes.charge(time.perf_counter() - began)
            if moment is not None:
                self._measure(training, moment)
            elif training.network.model is not None:
                training.probes.prepare(training.network.model, number)
            began = time.perf_counter()
            self._observations.clear()
            self.trainings.judge_if_due(training, backwards=self.passes.count, lines=self.lines.first)
            training.series.flush_if_due()
            training.probes.charge(time.perf_counter() - began)
        elif training.network.model is not None:
            training.probes.prepare(training.network.model, number)
        self.listening.end_step()
        self.update_hooks()

    def _measure(self, training: Training, moment: Moment) -> None:
        """Read the probes, and what else a sampled step tells."""
        training.probes.measure(moment)
        for line, share in self.hooks.device_syncs.shares(moment.model, moment.step).items():
            training.series.signal(f"code/waits/{line}", moment.step, value=share)
        if training is self.trainings.only_one:
            passes = self.passes.count / max(1, self.trainings.steps)
            with training.probes.charging():
                self._held_out.add_training_batch(
                    training, moment.batch.inputs, observations=self._observations, passes=passes
                )
