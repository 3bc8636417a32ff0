"""What was observed since the last sample: calls of networks, losses, and signs of faults."""

from __future__ import annotations

import math
import threading
import weakref
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from trainwell.monitor.autograd.attention import attends_ahead
from trainwell.monitor.autograd.reading import LossReading
from trainwell.monitor.trainings.networks import first_tensor, unwrapped


@dataclass
class ModuleCall:
    """One call of an outermost module in a sampled step.

    Args:
        with_gradients: whether gradients were on.
        training: whether the module was in train mode.
        inputs: positional arguments.
        options: arguments by name.
        output: what it returned.
        thread: the thread that made the call.
    """

    with_gradients: bool
    training: bool
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    output: Any = None
    thread: int = field(default_factory=threading.get_ident)

    def first_input(self) -> Tensor | None:
        """Return the first tensor among the arguments."""
        return first_tensor((self.inputs, self.options))


@final
class KnownModules:
    """What is remembered of modules for the whole run.

    Args:
        given: the network, if the user has named it.
    """

    def __init__(self, given: nn.Module | None = None) -> None:
        self.given = given
        self.called: weakref.WeakSet[nn.Module] = weakref.WeakSet()  # outermost modules that were called with gradients
        self.parents: weakref.WeakSet[nn.Module] = weakref.WeakSet()  # modules in whose methods they were called
        self.loaded: weakref.WeakSet[nn.Module] = weakref.WeakSet()  # modules that got their weights from a file


@final
class SequenceLayers:
    """How the sequence layers of a network are called."""

    def __init__(self) -> None:
        self.time_first: set[tuple[int, int]] = set()  # shapes that a layer took for (time, batch)
        self.sees_future = False  # whether a layer sees later positions

    def add(self, module: nn.Module, inputs: tuple[Any, ...], *, options: dict[str, Any]) -> None:
        """Note which axis of the inputs is time, and whether the layer sees later positions."""
        if not isinstance(module, (nn.RNNBase, nn.MultiheadAttention)) or not inputs or not torch.is_grad_enabled():
            return
        given = inputs[0]
        if isinstance(given, Tensor) and given.ndim == 3 and not module.batch_first:
            self.time_first.add((given.shape[0], given.shape[1]))
        if isinstance(module, nn.RNNBase):
            self.sees_future |= module.bidirectional
        else:
            masked = options.get("attn_mask") is not None or len(inputs) > 5 or options.get("is_causal", False)
            self.sees_future |= not masked and len(inputs) > 1 and inputs[1] is given


@final
class CallDepth:
    """Tells outermost module calls from those inside, in the thread that made the first."""

    def __init__(self) -> None:
        self.calls = 0  # module calls since the last sample
        self._depth = 0
        self._thread = 0

    def enter(self, thread: int) -> bool | None:
        """A module is called; return whether it is an outermost call, or None for one of another thread."""
        if self._depth == 0:
            self._thread = thread
        elif thread != self._thread:
            return None
        self._depth += 1
        self.calls += 1
        return self._depth == 1

    def leave(self) -> bool:
        """A module returns; return whether it was an outermost call."""
        self._depth = max(0, self._depth - 1)
        return self._depth == 0

    def take_calls(self) -> int:
        """Return how many modules were called since the last call of this method."""
        calls = self.calls
        self.calls = 0
        return calls

    def is_current(self, thread: int) -> bool:
        """Return whether the calls of a thread are followed."""
        return thread == self._thread

    def keep_thread(self, thread: int) -> None:
        """Forget the calls that other threads have under way."""
        if thread != self._thread:
            self._depth = 0

    def reset(self) -> None:
        """No module call is under way."""
        self._depth = 0


@final
class Observations:
    """Calls, losses and signs of faults since the last sample.

    Args:
        given: the network, if the user has named it.
    """

    def __init__(self, given: nn.Module | None = None) -> None:
        self.modules = KnownModules(given)
        self.calls: dict[nn.Module, ModuleCall] = {}  # of outermost modules, the newest call last
        self.called: set[nn.Module] = set()  # every module that was called, at any depth
        self.depth = CallDepth()
        self.sequences = SequenceLayers()
        self.losses: list[Tensor] = []
        self.reading = LossReading()
        self.signals: dict[str, float] = {}  # signs of faults of this step
        self.early_signals: dict[str, float] = {}  # signs of faults before the first sample
        self.gradient_origin: tuple[str, int, float] | None = None  # signal of what may break the first gradient
        self.has_user_loss = False  # whether the user has given the loss of this step

    def add_loss(self, loss: Tensor, reading: LossReading) -> None:
        """Add a loss and what its graph tells."""
        self.reading = reading
        scale = reading.reduction.factor if reading.reduction.is_mean else 1.0
        self.losses.append(loss.detach().float() / (scale or 1.0))
        self.signals |= reading.signals
        given = self.last_input()
        if given is not None and reading.target is not None and given.ndim == 2 and reading.target.ndim:
            # Only a loss at every position can show that later positions are seen.
            if not self.sequences.sees_future and reading.target.numel() == given.numel() > len(given):
                self.sequences.sees_future = attends_ahead(loss)
        if reading.reduction.data_loss is not None and 0 < (whole := float(loss.detach())) < math.inf:
            self.signals["penalty_fraction"] = 1 - reading.reduction.factor * reading.reduction.data_loss / whole

    def called_with(self, inputs: Tensor) -> nn.Module | None:
        """Return the network that was called with these inputs; None if none was."""
        calls = self.calls.items()
        return next((unwrapped(one) for one, call in calls if any(given is inputs for given in call.inputs)), None)

    def last_input(self) -> Tensor | None:
        """Return the inputs of the last network that was called with gradients; None if there are none."""
        call = next((call for call in reversed(self.calls.values()) if call.with_gradients), None)
        return call.first_input() if call is not None else None

    def keep_thread(self, thread: int) -> None:
        """Forget the calls that other threads have made, and their losses."""
        self.depth.keep_thread(thread)
        others = [module for module, call in self.calls.items() if call.thread != thread]
        for module in others:
            del self.calls[module]
        if others:
            self.start_step()

    def start_step(self) -> None:
        """Forget the losses of the step before."""
        self.has_user_loss = False
        self.losses.clear()
        self.signals.clear()

    def clear(self) -> None:
        """Release everything that a sample has kept alive."""
        self.sequences = SequenceLayers()
        self.reading = LossReading()
        self.calls.clear()
        self.called.clear()
        self.losses.clear()
        self.signals.clear()
        self.early_signals.clear()
