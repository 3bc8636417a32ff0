"""Training time on this machine, predicted from a few timed kernels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import call_network, main_output
from trainwell.cost.layers import LayerCost

# Multiply-adds of the backward pass: one part for the gradient of the inputs, one for that of the weights.
_STEP = 3
# A layer's output is written and read, and its gradient too, by the layer and by the next one.
_TOUCHED = 4
_GOOD_FOR = 0.1  # seconds spent on each kernel: a few repetitions, the fastest counts
_REPEATS = 3
_IMAGES = 16
_TOGETHER = 0.8  # efficiency of a CPU with all threads, relative to one thread
# A weight is read in both passes, and its gradient written.
_WEIGHTS_TOUCHED = 3
_NUMBER = 4  # bytes
BUSY = 0.8  # below this fraction other programs are using the CPU


@dataclass(frozen=True)
class Machine:
    """Throughput of this machine per second, forward and backward pass together.

    Args:
        convolution: multiply-adds of a convolution over many channels.
        depthwise: multiply-adds of a depthwise convolution.
        matrix: multiply-adds of a fully connected layer.
        memory: bytes of activations read or written by memory-bound layers.
        call: overhead of a layer in seconds, independent of its size.
        share: fraction of CPU time that this process got; the rates are those of an idle machine.
    """

    convolution: float
    depthwise: float
    matrix: float
    memory: float
    call: float = 0.0
    share: float = 1.0

    def step_seconds(self, table: Sequence[LayerCost], batch_size: int, *, remembered: int | None = None) -> float:
        """Predict the seconds of one training step.

        Args:
            table: cost of each layer of the network.
            batch_size: examples in a batch.
            remembered: numbers per weight in the optimizer's state; None omits the update.

        >>> table = [LayerCost("", "Linear", (10,), 1010, 1000, 40)]
        >>> Machine(1e9, 1e9, 3000.0, 1e9).step_seconds(table, 1) > 1
        True
        """
        # An update reads each gradient, and reads and writes each weight and its optimizer state.
        touched = _WEIGHTS_TOUCHED + (0 if remembered is None else 3 + 2 * remembered)
        seconds = touched * _NUMBER * sum(layer.parameters for layer in table) / self.memory
        for layer in table:
            seconds += self.call + _STEP * layer.multiply_adds * batch_size / self._rate(layer)
            seconds += _TOUCHED * layer.activation_bytes * batch_size / self.memory
        return seconds

    def _rate(self, layer: LayerCost) -> float:
        if layer.type != "Conv2d":
            return self.matrix
        places = max(1, torch.Size(layer.output_shape[1:]).numel())
        channels = max(1, layer.output_shape[0] if layer.output_shape else 1)
        # A filter of a depthwise convolution multiplies one channel only: about f * f products per output.
        return self.depthwise if layer.multiply_adds < 26 * places * channels else self.convolution


def calibrate(device: torch.device | None = None) -> Machine:
    """Time five kernels on this machine, in about a second.

    One thread is timed first, in thread CPU time, which excludes time used by other programs. If they use much of the
    CPU, the throughput of several threads, which only the wall clock can time, is extrapolated from that of one.

    Args:
        device: where training would run; None: the CPU.
    """
    device = device or torch.device("cpu")
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        return _timed(device)
    torch.set_num_threads(1)
    try:
        one = _timed(device)
    finally:
        torch.set_num_threads(threads)
    if one.share >= BUSY:
        return dataclasses.replace(_timed(device), share=one.share)
    many = _TOGETHER * threads
    rates = [many * rate for rate in (one.convolution, one.depthwise, one.matrix, one.memory)]
    return Machine(rates[0], rates[1], rates[2], rates[3], one.call, one.share)


def _timed(device: torch.device) -> Machine:
    with torch.random.fork_rng(devices=[]):
        convolution = nn.Conv2d(64, 64, 3, padding=1)
        depthwise = nn.Conv2d(128, 128, 3, padding=1, groups=128)
        matrix = nn.Linear(1024, 1024)
        images = torch.randn(_IMAGES, 64, 28, 28)
        channels = torch.randn(_IMAGES, 128, 28, 28)
        rows = torch.randn(64, 1024)
        light = nn.Sequential(nn.BatchNorm2d(64), nn.ReLU())
        tiny = nn.Sequential(*(nn.Linear(8, 8) for _ in range(10)))
        cases = ((convolution, images), (depthwise, channels), (matrix, rows), (light, images), (tiny, rows[:, :8]))
        found = [_fastest(module.to(device), Batch({"inputs": inputs.to(device)})) for module, inputs in cases]
    times, shares = zip(*found, strict=True)
    works = (_IMAGES * 784 * 64 * 9 * 64, _IMAGES * 784 * 128 * 9, 64 * 1024 * 1024)
    rates = [_STEP * work / seconds for work, seconds in zip(works, times, strict=False)]
    memory = 2 * _TOUCHED * images.nbytes / times[3]
    return Machine(rates[0], rates[1], rates[2], memory, call=times[4] / 10, share=sum(shares) / len(shares))


def time_steps(model: nn.Module, batch: Batch, *, seconds: float = 4.0) -> float:
    """Return the seconds of a real forward and backward pass: the fastest of those that fit into the time.

    Args:
        model: the network, on its device, in train mode; its gradients are overwritten.
        batch: on the same device.
        seconds: time to spend.
    """
    return _fastest(model, batch, spend=seconds)[0]


def _fastest(module: nn.Module, batch: Batch, *, spend: float = _GOOD_FOR) -> tuple[float, float]:
    """Return the seconds of the fastest of many passes, and the fraction of their time that this thread computed.

    Thread CPU time excludes time used by other programs; where several threads or a device do the work, only the wall
    clock measures it.
    """
    device = batch.inputs.device
    alone = device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.thread_time if alone else time.perf_counter
    best = float("inf")
    done = 0
    begun = time.perf_counter()
    worked = time.thread_time()
    # All layers but the first compute the gradient of their inputs: the timed layer must do so too.
    given = batch.replace(inputs=batch.inputs.detach().requires_grad_(batch.inputs.is_floating_point()))
    while done < _REPEATS or time.perf_counter() - begun < spend:
        if done >= 2 and time.perf_counter() - begun > spend:
            break
        started = clock()
        torch.autograd.backward(main_output(call_network(module, given)).sum())
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, clock() - started)
        module.zero_grad()
        done += 1
    return best, min(1.0, (time.thread_time() - worked) / (time.perf_counter() - begun))
