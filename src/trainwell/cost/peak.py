"""Peak memory of a training step, from a run of the step on the meta device."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from trainwell.core.batch import blank
from trainwell.core.contracts.outputs import call_network
from trainwell.core.facts import InputFacts
from trainwell.cost.layers import hollow


@final
class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Tracks allocated and freed memory of every operation, and its peak."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._live: set[int] = set()

    def enter(self, tensor: Tensor) -> None:
        """Count a tensor's memory from now until it is freed; views share it."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._live:
            self._live.add(key)
            size = storage.nbytes()
            self.now += size
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._leave, key, size)

    def _leave(self, key: int, size: int) -> None:
        self._live.discard(key)
        self.now -= size

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run one operation and count what it returns."""
        result = func(*args, **(kwargs or {}))
        for item in result if isinstance(result, (list, tuple)) else [result]:
            if isinstance(item, Tensor):
                self.enter(item)
        return result


def step_peak(model: nn.Module, facts: InputFacts, *, batch_size: int, precision: torch.dtype | None = None) -> int:
    """Return the peak memory in bytes of a forward and backward pass: weights, gradients, inputs, activations.

    The optimizer's state is not included. The pass runs on the meta device in train mode, without computing values.

    Args:
        model: the network; it is not changed.
        facts: of one example.
        batch_size: examples in a batch.
        precision: torch.bfloat16 for activations of half the size; None: as the weights.
    Raises:
        RuntimeError, NotImplementedError: if the network does not run on the meta device.
    """
    shadow = hollow(model).train()
    if precision is not None:
        _lower(shadow, precision)
    ledger = _Ledger()
    for tensor in [*shadow.parameters(), *shadow.buffers()]:
        ledger.enter(tensor)
    batch = blank(facts, batch_size, device="meta")
    ledger.enter(batch.inputs)
    with ledger:
        outputs = call_network(shadow, batch)
        tensors = outputs.values() if isinstance(outputs, Mapping) else outputs
        losses = []
        for tensor in [tensors] if isinstance(tensors, Tensor) else tensors:
            if not isinstance(tensor, Tensor):
                raise NotImplementedError(f"the network returns {type(tensor).__name__}, not a tensor")
            # Like the losses, keep one more tensor of the size of the outputs.
            losses.append(torch.log_softmax(tensor.float().flatten(1), dim=1).mean())
        torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
    return ledger.most


def _lower(model: nn.Module, precision: torch.dtype) -> None:
    """Run matrix products and convolutions in a lower precision; weights stay as they are, as in autocast."""

    def cast(module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        module.__dict__["_whole"] = dict(module._parameters)
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = parameter.to(precision)  # type: ignore[assignment]
        return tuple(item.to(precision) if isinstance(item, Tensor) else item for item in inputs)

    def restore(module: nn.Module, inputs: object, outputs: object) -> None:
        module._parameters.update(module.__dict__.pop("_whole"))

    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)):
            module.register_forward_pre_hook(cast)
            module.register_forward_hook(restore)
