"""How long training takes on this machine, from a few kernels that are timed on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainwell.cost.layers import LayerCost

# Multiply-adds of the backward pass: one share for the gradient of the inputs, one for that of the weights.
_STEP = 3
# A layer's output is written, read, and both again as a gradient, by the layer and by what follows it.
_TOUCHED = 4
_GOOD_FOR = 0.15  # seconds spent on each kernel: a few repetitions, of which the fastest counts
_REPEATS = 3


@dataclass(frozen=True)
class Machine:
    """What this machine does in a second, forward and backward together.

    Args:
        convolution: multiply-adds of a convolution over many channels.
        depthwise: of one whose channels are apart.
        matrix: of a fully connected layer.
        memory: bytes of activations read or written by layers that hardly compute.
        call: seconds that a layer takes however small it is.
    """

    convolution: float
    depthwise: float
    matrix: float
    memory: float
    call: float = 0.0

    def step_seconds(self, table: Sequence[LayerCost], batch_size: int) -> float:
        """Predict the seconds of one training step from a network's table.

        >>> table = [LayerCost("", "Linear", (10,), 1010, 1000, 40)]
        >>> Machine(1e9, 1e9, 3000.0, 1e9).step_seconds(table, 1) > 1
        True
        """
        seconds = 0.0
        for layer in table:
            seconds += self.call + _STEP * layer.multiply_adds * batch_size / self._rate(layer)
            seconds += _TOUCHED * layer.activation_bytes * batch_size / self.memory
        return seconds

    def _rate(self, layer: LayerCost) -> float:
        if layer.type != "Conv2d":
            return self.matrix
        places = max(1, torch.Size(layer.output_shape[1:]).numel())
        channels = max(1, layer.output_shape[0] if layer.output_shape else 1)
        # A filter of a depth-wise convolution multiplies one channel only: about f * f products a number.
        return self.depthwise if layer.multiply_adds < 26 * places * channels else self.convolution


def calibrate(device: torch.device | None = None) -> Machine:
    """Time five kernels on this machine, in about a second.

    Args:
        device: where training would run; None: the processor.
    """
    device = device or torch.device("cpu")
    with torch.random.fork_rng(devices=[]):
        convolution = nn.Conv2d(64, 64, 3, padding=1)
        depthwise = nn.Conv2d(128, 128, 3, padding=1, groups=128)
        matrix = nn.Linear(1024, 1024)
        pictures = torch.randn(16, 64, 28, 28)
        channels = torch.randn(16, 128, 28, 28)
        rows = torch.randn(64, 1024)
        light = nn.Sequential(nn.BatchNorm2d(64), nn.ReLU())
        tiny = nn.Sequential(*(nn.Linear(8, 8) for _ in range(10)))
        cases = ((convolution, pictures), (depthwise, channels), (matrix, rows), (light, pictures), (tiny, rows[:, :8]))
        times = [_fastest(module.to(device), inputs.to(device)) for module, inputs in cases]
    works = (16 * 784 * 64 * 9 * 64, 16 * 784 * 128 * 9, 64 * 1024 * 1024)
    rates = [_STEP * work / seconds for work, seconds in zip(works, times, strict=False)]
    return Machine(rates[0], rates[1], rates[2], memory=2 * _TOUCHED * pictures.nbytes / times[3], call=times[4] / 10)


def time_steps(model: nn.Module, inputs: Tensor, *, seconds: float = 4.0) -> float:
    """Return the seconds of a real forward and backward pass: the fastest of those that fit into the time.

    Args:
        model: the network, on its device, in training mode; its gradients are lost.
        inputs: one batch.
        seconds: time to spend.
    """
    return _fastest(model, inputs, spend=seconds, leaf=inputs.is_floating_point())


def _fastest(module: nn.Module, inputs: Tensor, *, spend: float = _GOOD_FOR, leaf: bool = True) -> float:
    best, begun, done = float("inf"), time.perf_counter(), 0
    given = inputs.detach().requires_grad_(leaf)
    while done < _REPEATS or time.perf_counter() - begun < spend:
        if done >= 2 and time.perf_counter() - begun > spend:
            break
        started = time.perf_counter()
        torch.autograd.backward(module(given).sum())
        if inputs.device.type == "cuda":
            torch.cuda.synchronize(inputs.device)
        best = min(best, time.perf_counter() - started)
        module.zero_grad()
        done += 1
    return best
