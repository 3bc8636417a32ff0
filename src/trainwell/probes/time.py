"""Probe: the time of a step, and how much of it is data loading."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, final

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from trainwell.core.contracts.moment import Moment


@final
class Time:
    """Writes `time/step_seconds`, and on the processor `time/data_seconds`.

    A step is measured from one moment to the next. Data loading is what lies between the end of the optimizer's step
    and the start of the forward pass: fetching and preparing the next batch, and whatever else the loop does there. It
    is not written on an accelerator, which computes while the next batch is fetched.
    """

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._optimizer: Optimizer | None = None
        # Times of `time.perf_counter`; 0 if it has not happened.
        self._prepared_at = 0.0
        self._stepped_at = 0.0
        self._called_at = 0.0

    def prepare(self, model: nn.Module) -> None:
        """Start the clock and install two hooks that read it."""
        self._stepped_at = 0.0
        self._called_at = 0.0
        # Of all modules, the first to be called: a module's own hooks are copied and saved along with it.
        self._handles.append(register_module_forward_pre_hook(self._on_forward))
        if self._optimizer is not None:
            self._handles.append(self._optimizer.register_step_post_hook(self._on_step))
        self._prepared_at = time.perf_counter()

    def release(self) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    def read(self, moment: Moment) -> Mapping[str, float]:
        """Stop the clock and remove the hooks."""
        now = time.perf_counter()
        is_first = self._optimizer is None
        is_prepared = bool(self._handles)
        self.release()
        self._optimizer = moment.optimizer
        if is_first or not is_prepared:  # No step came before the first: its time would be that of the start.
            return {}
        measured = {"time/step_seconds": now - self._prepared_at}
        if self._stepped_at and self._called_at and moment.loss.device.type == "cpu":
            measured["time/data_seconds"] = self._called_at - self._stepped_at
        return measured

    def _on_forward(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if not self._called_at and torch.is_grad_enabled():
            self._called_at = time.perf_counter()

    def _on_step(self, optimizer: Optimizer, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._stepped_at = time.perf_counter()
