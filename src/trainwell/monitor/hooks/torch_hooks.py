"""Global hooks and wrapped functions at the places that every PyTorch training passes through.

Nothing is put into a network or an optimizer of the user, where it would be copied and saved along. A wrapper that can
no longer be removed, because somebody wrapped it again, does nothing of its own.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    _global_forward_hooks_with_kwargs,
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

from trainwell.monitor.autograd.reading import KIND_OF_FUNCTION
from trainwell.monitor.code.source_lines import OUR_FOLDER, start_folder
from trainwell.monitor.hooks.device_syncs import DeviceSyncs
from trainwell.monitor.hooks.listener import Listener
from trainwell.monitor.hooks.threads import WatchedThread
from trainwell.monitor.hooks.wrappers import Wrappers
from trainwell.monitor.trainings.keras import KerasOptimizers, keras_optimizer_class
from trainwell.monitor.trainings.manual_updates import ManualUpdateDetector

_LIBRARY_FOLDERS = (os.path.dirname(torch.__file__) + os.sep, OUR_FOLDER)
_DECORATOR = os.path.join("utils", "_contextlib.py")


def _do_nothing() -> None:
    return


@final
class TorchHooks:
    """Installs and removes the hooks.

    Args:
        listener: receives what they report.
        host: kind of device that needs no synchronisation.
    """

    def __init__(self, listener: Listener, *, host: str = "cpu") -> None:
        self.device_syncs = DeviceSyncs(listener.passes, host=host)
        self._listener = listener
        self._thread = WatchedThread(self._guarded(self._change_thread))
        self._is_installed = False
        self._step_handle: RemovableHandle | None = None
        self._module_handles: list[RemovableHandle] = []
        self._wrappers = Wrappers()
        self._keras_optimizers = KerasOptimizers()
        self._has_keras_hook = False
        self._manual_updates: ManualUpdateDetector | None = ManualUpdateDetector()  # until there is an optimizer

    def install(self) -> None:
        """Install all hooks, those of modules too."""
        start_folder()  # before the script leaves it
        self._is_installed = True
        listener = self._listener
        wrap = self._wrappers.wrap
        self._step_handle = register_optimizer_step_pre_hook(self._before_step)
        wrap(torch.autograd, "backward", make=self._wrap_backward)
        wrap(Optimizer, "__init__", make=self._report_after(lambda inputs: self._optimizer_made(inputs[0])))
        wrap(LRScheduler, "step", make=self._report_after(lambda inputs: listener.scheduler_stepped(inputs[0])))
        wrap(
            nn.Module,
            "load_state_dict",
            make=self._report_after(lambda inputs: listener.weights_loaded(inputs[0])),
        )
        wrap(nn.Module, "compile", make=self._report_after(lambda inputs: listener.compiled(inputs[0])))
        wrap(
            torch,
            "compile",
            make=self._report_after(lambda inputs: listener.compiled(inputs[0] if inputs else None)),
        )
        for context in (torch.no_grad, torch.inference_mode, torch.set_grad_enabled):
            wrap(context, "__enter__", make=self._wrap_enter)
        for name in KIND_OF_FUNCTION:
            wrap(nn.functional, name, make=functools.partial(self._wrap_loss, name=name))
        wrap(torch.jit, "script", make=self._wrap_script)
        self.hook_modules(True)
        self.hook_keras()

    def remove(self) -> None:
        """Remove all hooks and restore every wrapped function."""
        self._is_installed = False
        self.device_syncs.remove()
        self.hook_modules(False)
        if self._step_handle is not None:
            self._step_handle.remove()
        self._wrappers.remove()
        self._has_keras_hook = False

    def hook_keras(self) -> None:
        """Hook the optimizers of Keras too, once it is imported and runs on torch."""
        if self._is_installed and not self._has_keras_hook and (owner := keras_optimizer_class()) is not None:
            self._has_keras_hook = True
            self._wrappers.wrap(owner, "apply", make=self._wrap_keras_apply)

    @property
    def has_module_hooks(self) -> bool:
        """Whether forward passes are reported."""
        return bool(self._module_handles)

    def hook_modules(self, wanted: bool) -> None:
        """Install or remove the hooks of forward passes, which are what costs."""
        if wanted and not self._module_handles and self._is_installed:
            before = self._guarded(self._before_forward)
            after = self._guarded(self._after_forward)
            self._module_handles = [
                register_module_forward_pre_hook(before),
                register_module_forward_hook(after, with_kwargs=True, always_call=True),
            ]
        elif not wanted:
            for handle in self._module_handles:
                handle.remove()
                _global_forward_hooks_with_kwargs.pop(handle.id, None)  # forgotten by torch 2.13
            self._module_handles = []

    def unwrap_losses(self) -> None:
        """Restore loss functions and the methods of tensors: what is compiled must not find a wrapper there."""
        self.device_syncs.is_allowed = False
        self.device_syncs.remove()
        self._wrappers.swap(nn.functional, wrapped=False)

    # What the hooks do --------------------------------------------------------------------------------------------

    def _guarded(self, report: Callable[..., None], give_up: Callable[[], None] = _do_nothing) -> Callable[..., None]:
        """Return a function that reports, and raises nothing into the user's code."""

        def guarded(*arguments: Any, **options: Any) -> None:
            try:
                report(*arguments, **options)
            except Exception as problem:
                give_up()
                self._listener.failed(problem)

        return guarded

    def _change_thread(self) -> None:
        if self._manual_updates is not None:
            self._manual_updates = ManualUpdateDetector()
        self._listener.thread_changed()

    def _optimizer_made(self, optimizer: Optimizer) -> None:
        self._stop_detecting()
        self._listener.optimizer_made(optimizer)

    def _stop_detecting(self) -> None:
        self._manual_updates = None

    def _before_step(self, optimizer: Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._manual_updates = None
        if not self._thread.claim():
            return
        try:
            self._listener.before_step(optimizer, arguments, options=options)
        except Exception as problem:  # nothing is raised into the user's code
            self._listener.failed(problem)

    def _manual_step(self, detector: ManualUpdateDetector) -> None:
        is_step = detector.after_backward(closely=self._listener.is_sampling)
        if is_step and detector.optimizer is not None:
            self._listener.before_step(detector.optimizer, (), options={})

    def _before_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if self._thread.may_observe():
            self._listener.before_forward(module, inputs)

    def _after_forward(self, module: nn.Module, inputs: tuple[Any, ...], *rest: Any) -> None:
        if not self._thread.may_observe():
            return
        # After an exception in the forward pass the hook is called too, but not with the arguments by name.
        self._listener.after_forward(module, inputs, options=rest[0] if len(rest) == 2 else {}, output=rest[-1])

    def _wrap_backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        listener = self._listener
        listening = listener.listening
        passes = listener.passes
        losses = listener.losses
        report_nonfinite = self._guarded(listener.loss_not_finite)
        before = self._guarded(listener.before_backward)
        after = self._guarded(listener.after_backward)
        claim = self._thread.claim
        compare = self._guarded(ManualUpdateDetector.before_backward, self._stop_detecting)
        detect_step = self._guarded(self._manual_step, self._stop_detecting)

        @functools.wraps(original)
        def backward(*arguments: Any, **options: Any) -> Any:
            if not self._is_installed or not claim():
                return original(*arguments, **options)
            passes.count += 1
            loss = arguments[0] if arguments else options.get("tensors")
            if self._manual_updates is not None:
                compare(self._manual_updates, loss)
            # In a step that is not sampled this is all: no device is synchronised, and no function of ours is called.
            if not listening.is_on:
                if losses.is_checked and loss.__class__ is Tensor and loss.is_cpu and loss.ndim == 0:
                    value = loss.item()
                    if value - value == 0:
                        losses.sum += value
                        losses.count += 1
                    else:
                        report_nonfinite(loss)
                result = original(*arguments, **options)
            else:
                before(loss)
                result = original(*arguments, **options)
                after()
            if self._manual_updates is not None:
                detect_step(self._manual_updates)
            return result

        return backward

    def _report_after(self, report: Callable[[tuple[Any, ...]], None]) -> Callable[[Any], Any]:
        guarded = self._guarded(report)

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(original)
            def called(*arguments: Any, **options: Any) -> Any:
                result = original(*arguments, **options)
                if self._is_installed:
                    guarded(arguments)
                return result

            return called

        return make

    def _wrap_keras_apply(self, original: Callable[..., Any]) -> Callable[..., Any]:
        listener = self._listener

        def report(optimizer: Any, gradients: object, variables: Any = None) -> None:
            self._manual_updates = None
            if not self._thread.claim():
                return
            found = self._keras_optimizers.of(optimizer, variables, with_rate=listener.is_sampling)
            listener.before_step(found, (), options={})

        before = self._guarded(report)

        @functools.wraps(original)
        def apply(*arguments: Any, **options: Any) -> Any:
            if self._is_installed:
                before(*arguments, *list(options.values())[: 3 - len(arguments)])
            return original(*arguments, **options)

        return apply

    def _wrap_script(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def script(*arguments: Any, **options: Any) -> Any:
            # It reads the source of what is called, and looks for names in the frame of its caller.
            options["_frames_up"] = options.get("_frames_up", 0) + 1
            self._wrappers.swap(nn.functional, wrapped=False)
            try:
                return original(*arguments, **options)
            finally:
                self._wrappers.swap(nn.functional, wrapped=self._is_installed)

        return script

    def _wrap_loss(self, original: Callable[..., Any], *, name: str) -> Callable[..., Any]:
        guarded = self._guarded(self._listener.evaluation_loss)

        @functools.wraps(original)
        def loss(*inputs: Any, **options: Any) -> Any:
            result = original(*inputs, **options)
            if self._is_installed and not torch.is_grad_enabled() and self._thread.may_observe():
                guarded(name, inputs, options=options, result=result)
            return result

        return loss

    def _wrap_enter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        guarded = self._guarded(self._listener.gradients_off)

        @functools.wraps(original)
        def enter(context: Any) -> Any:
            result = original(context)
            if self._is_installed and not torch.is_grad_enabled() and self._thread.may_observe():
                frame: FrameType | None = sys._getframe(1)
                if frame is not None and frame.f_code.co_filename.endswith(_DECORATOR):
                    frame = frame.f_back
                if frame is not None and not frame.f_code.co_filename.startswith(_LIBRARY_FOLDERS):
                    guarded(frame)
            return result

        return enter
