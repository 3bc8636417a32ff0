"""Probe: how long a step takes, and how much of it is waiting for data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from trainwell.core.moment import Moment


@final
class Time:
    """Writes `time/step_seconds`, and on the processor `time/data_seconds`.

    A step is measured from one moment to the next. Data is what lies between the end of the optimizer's step and
    the start of the forward pass: fetching and preparing the next batch, and whatever else the loop does there. It is
    not written on an accelerator, which computes while the next batch is fetched.
    """

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._optimizer: Optimizer | None = None
        self._armed = self._stepped = self._forward = 0.0

    def arm(self, model: nn.Module) -> None:
        """Start the clock and install two hooks that read it."""
        self._stepped = self._forward = 0.0
        # Of all modules, the first to be called: a module's own hooks are copied and saved along with it.
        self._handles.append(register_module_forward_pre_hook(self._on_forward))
        if self._optimizer is not None:
            self._handles.append(self._optimizer.register_step_post_hook(self._on_step))
        self._armed = time.perf_counter()

    def disarm(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Stop the clock and remove the hooks."""
        now, armed = time.perf_counter(), bool(self._handles)
        self.disarm()
        first, self._optimizer = self._optimizer is None, moment.optimizer
        if first or not armed:  # The first step was preceded by no step: its time would be that of the start.
            return {}
        measured = {"time/step_seconds": now - self._armed}
        if self._stepped and self._forward and moment.loss.device.type == "cpu":
            measured["time/data_seconds"] = self._forward - self._stepped
        return measured

    def _on_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if not self._forward and torch.is_grad_enabled():
            self._forward = time.perf_counter()

    def _on_step(self, optimizer: Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._stepped = time.perf_counter()
