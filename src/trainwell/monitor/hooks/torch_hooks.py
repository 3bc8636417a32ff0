"""The places where every PyTorch training passes by, and how to listen there without changing anything.

Global hooks and a few wrapped functions: nothing is put into a network or an optimizer of the user, where it would be
copied and saved along. A wrapper that can no longer be taken off, because somebody wrapped it again, falls silent.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol, final

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

from trainwell.monitor.code.source_lines import OUR_FOLDER, start_folder
from trainwell.monitor.hooks.device_syncs import Waits
from trainwell.monitor.trainings.evaluations import LOSSES
from trainwell.monitor.trainings.manual_updates import ByHand, Standins, keras_optimizer_class

_OTHERS = (os.path.dirname(torch.__file__) + os.sep, OUR_FOLDER)
_DECORATOR = os.path.join("utils", "_contextlib.py")


class Listener(Protocol):
    """Hears what passes by; whatever it raises is kept from the user's code.

    `backwards` counts the backward passes; `is_listening` asks to be told of each, `checks_loss` of a bad one only,
    while good ones that lie on the processor are added up.
    """

    backwards: int
    loss_sum: float
    loss_count: int
    is_listening: bool
    checks_loss: bool

    @property
    def is_armed(self) -> bool: ...  # noqa: D102

    def before_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None: ...  # noqa: D102

    def after_forward(self, module: nn.Module, inputs: tuple[Any, ...], options: Any, output: object) -> None: ...  # noqa: D102

    def before_backward(self, loss: object) -> None: ...  # noqa: D102

    def loss_not_finite(self, loss: Tensor) -> None: ...  # noqa: D102

    def after_backward(self) -> None: ...  # noqa: D102

    def before_step(self, optimizer: Optimizer, inputs: tuple[Any, ...], options: dict[str, Any]) -> None: ...  # noqa: D102

    def optimizer_made(self, optimizer: Optimizer) -> None: ...  # noqa: D102

    def gradients_off(self, frame: FrameType) -> None: ...  # noqa: D102

    def evaluation_loss(self, name: str, inputs: tuple[Any, ...], options: Any, result: object) -> None: ...  # noqa: D102

    def scheduler_stepped(self, scheduler: LRScheduler) -> None: ...  # noqa: D102

    def weights_loaded(self, module: nn.Module) -> None: ...  # noqa: D102

    def compiled(self, thing: object) -> None: ...  # noqa: D102

    def failed(self, problem: Exception) -> None: ...  # noqa: D102


@final
class Taps:
    """Installs and removes what listens.

    Args:
        listener: who listens.
        host: kind of device that nobody waits for.
    """

    def __init__(self, listener: Listener, *, host: str = "cpu") -> None:
        self._to = listener
        self.waits = Waits(lambda: listener.backwards, host=host)
        self._is_on = False
        self._step: RemovableHandle | None = None
        self._modules: list[RemovableHandle] = []
        self._wrapped: list[tuple[Any, str, Any, Any]] = []
        self._standins, self._by_hand = Standins(), ByHand()
        self._has_optimizer = False
        self._hears_keras = False

    def install(self) -> None:
        """Start to listen, to modules too."""
        start_folder()  # before the script leaves it
        self._is_on, to = True, self._to
        self._step = register_optimizer_step_pre_hook(self._before_step)
        self._wrap(torch.autograd, "backward", self._around_backward)
        self._wrap(Optimizer, "__init__", self._after(lambda inputs, _: self._optimizer_made(inputs[0])))
        self._wrap(LRScheduler, "step", self._after(lambda inputs, _: to.scheduler_stepped(inputs[0])))
        self._wrap(nn.Module, "load_state_dict", self._after(lambda inputs, _: to.weights_loaded(inputs[0])))
        self._wrap(nn.Module, "compile", self._after(lambda inputs, _: to.compiled(inputs[0])))
        self._wrap(torch, "compile", self._after(lambda inputs, _: to.compiled(inputs[0] if inputs else None)))
        for context in (torch.no_grad, torch.inference_mode, torch.set_grad_enabled):
            self._wrap(context, "__enter__", self._around_enter)
        for name in LOSSES:
            self._wrap(nn.functional, name, self._around_loss(name))
        self._wrap(torch.jit, "script", self._around_script)
        self.listen_to_modules(True)
        self.listen_to_keras()

    def listen_to_keras(self) -> None:
        """Listen to the optimizers of Keras too, once it is imported and runs on torch."""
        if self._is_on and not self._hears_keras and (owner := keras_optimizer_class()) is not None:
            self._hears_keras = True
            self._wrap(owner, "apply", self._around_apply)

    @property
    def hears_modules(self) -> bool:
        """Whether forward passes are listened to."""
        return bool(self._modules)

    def listen_to_modules(self, wanted: bool) -> None:
        """Start or stop to listen to forward passes, which is what costs."""
        if wanted and not self._modules and self._is_on:
            before, after = self._guarded(self._to.before_forward), self._guarded(self._after_forward)
            self._modules = [
                register_module_forward_pre_hook(before),
                register_module_forward_hook(after, with_kwargs=True, always_call=True),
            ]
        elif not wanted:
            for handle in self._modules:
                handle.remove()
                _global_forward_hooks_with_kwargs.pop(handle.id, None)  # forgotten by torch 2.13
            self._modules = []

    def _optimizer_made(self, optimizer: Optimizer) -> None:
        self._leave_hands()
        self._to.optimizer_made(optimizer)

    def _leave_hands(self) -> None:
        self._has_optimizer, self._by_hand = True, ByHand()

    def _before_step(self, optimizer: Optimizer, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._has_optimizer = True
        try:
            self._to.before_step(optimizer, inputs, options)
        except Exception as problem:  # Watching must never break a training.
            self._to.failed(problem)

    def _after_forward(self, module: nn.Module, inputs: tuple[Any, ...], *rest: Any) -> None:
        # After an exception in the forward pass the hook is called too, but not with the arguments by name.
        self._to.after_forward(module, inputs, rest[0] if len(rest) == 2 else {}, rest[-1])

    def remove(self) -> None:
        """Stop to listen and leave everything as it was."""
        self._is_on = False
        self.waits.remove()
        self.listen_to_modules(False)
        if self._step is not None:
            self._step.remove()
        for owner, name, original, wrapper in reversed(self._wrapped):
            if owner.__dict__.get(name) is wrapper:
                setattr(owner, name, original)
        self._wrapped, self._hears_keras = [], False

    def _wrap(self, owner: Any, name: str, around: Callable[[Any], Any]) -> None:
        original = owner.__dict__[name]
        wrapper = around(original)
        setattr(owner, name, wrapper)
        self._wrapped.append((owner, name, original, wrapper))

    def _guarded(self, tell: Callable[..., None], give_up: Callable[[], object] = int) -> Callable[..., None]:
        def tap(*arguments: Any) -> None:
            try:
                tell(*arguments)
            except Exception as problem:  # Watching must never break a training.
                give_up()
                self._to.failed(problem)

        return tap

    def _around_backward(self, original: Callable[..., Any]) -> Callable[..., Any]:
        to, broken = self._to, self._guarded(self._to.loss_not_finite)
        before, after = self._guarded(to.before_backward), self._guarded(to.after_backward)
        compare, keep = (
            self._guarded(tell, self._leave_hands)
            for tell in (lambda loss: self._by_hand.before(loss), self._step_by_hand)
        )

        @functools.wraps(original)
        def backward(*arguments: Any, **options: Any) -> Any:
            if not self._is_on:
                return original(*arguments, **options)
            to.backwards += 1
            if not self._has_optimizer:
                compare(arguments[0] if arguments else options.get("tensors"))
            # In a step that is not sampled this is all: no device is waited for, and no function of ours is called.
            if not to.is_listening:
                if to.checks_loss and arguments:
                    loss = arguments[0]
                    if loss.__class__ is Tensor and loss.is_cpu and loss.ndim == 0:
                        value = loss.item()
                        if value - value == 0:
                            to.loss_sum += value
                            to.loss_count += 1
                        else:
                            broken(loss)
                result = original(*arguments, **options)
            else:
                before(arguments[0] if arguments else options.get("tensors"))
                result = original(*arguments, **options)
                after()
            if not self._has_optimizer:
                keep()
            return result

        return backward

    def _step_by_hand(self) -> None:
        if self._by_hand.after(closely=self._to.is_armed) and self._by_hand.standin is not None:
            self._to.before_step(self._by_hand.standin, (), {})

    def _after(self, tell: Callable[[tuple[Any, ...], dict[str, Any]], None]) -> Callable[[Any], Any]:
        guarded = self._guarded(tell)

        def around(original: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(original)
            def called(*arguments: Any, **options: Any) -> Any:
                result = original(*arguments, **options)
                if self._is_on:
                    guarded(arguments, options)
                return result

            return called

        return around

    def _around_apply(self, original: Callable[..., Any]) -> Callable[..., Any]:
        to = self._to

        def tell(optimizer: Any, gradients: object, variables: Any = None) -> None:
            self._has_optimizer = True
            to.before_step(self._standins.of(optimizer, variables, with_rate=to.is_armed), (), {})

        before = self._guarded(tell)

        @functools.wraps(original)
        def apply(*arguments: Any, **options: Any) -> Any:
            if self._is_on:
                before(*arguments, *list(options.values())[: 3 - len(arguments)])
            return original(*arguments, **options)

        return apply

    def leave_losses(self) -> None:
        """Give losses and tensors back: what is compiled must not find a wrapper there."""
        self.waits.is_allowed = False
        self.waits.remove()
        self._swap_losses(wrapped=False)

    def _swap_losses(self, *, wrapped: bool) -> None:
        for owner, name, original, wrapper in self._wrapped:
            here, wanted = (original, wrapper) if wrapped else (wrapper, original)
            if owner is nn.functional and owner.__dict__.get(name) is here:
                setattr(owner, name, wanted)

    def _around_script(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def script(*arguments: Any, **options: Any) -> Any:
            # It reads the source of what is called, and looks for names in the frame of its caller.
            options["_frames_up"] = options.get("_frames_up", 0) + 1
            self._swap_losses(wrapped=False)
            try:
                return original(*arguments, **options)
            finally:
                self._swap_losses(wrapped=self._is_on)

        return script

    def _around_loss(self, name: str) -> Callable[[Any], Any]:
        guarded = self._guarded(self._to.evaluation_loss)

        def around(original: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(original)
            def loss(*inputs: Any, **options: Any) -> Any:
                result = original(*inputs, **options)
                if self._is_on and not torch.is_grad_enabled():
                    guarded(name, inputs, options, result)
                return result

            return loss

        return around

    def _around_enter(self, original: Callable[..., Any]) -> Callable[..., Any]:
        guarded = self._guarded(self._to.gradients_off)

        @functools.wraps(original)
        def enter(context: Any) -> Any:
            result = original(context)
            if self._is_on and not torch.is_grad_enabled():
                frame: FrameType | None = sys._getframe(1)
                if frame is not None and frame.f_code.co_filename.endswith(_DECORATOR):
                    frame = frame.f_back
                if frame is not None and not frame.f_code.co_filename.startswith(_OTHERS):
                    guarded(frame)
            return result

        return enter
