"""Predicted memory and time of training, compared with measurements.

Claim: predicted memory is within 10 % of the measured peak for every network; predicted seconds are given as a ratio.
Command: python benchmarks/cost.py
Hardware: 2 cores, torch 2.13 CPU.
n: one fresh process per network, two training steps (SGD with momentum).

The measured peak is the sum of allocations and frees of torch's profiler. Seconds are thread CPU time, so that other
programs hardly influence them. Memory is predicted on the meta device, without computing values.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

CASES = {
    "alexnet": ((3, 227, 227), 16),
    "vgg16": ((3, 64, 64), 16),
    "googlenet": ((3, 128, 128), 16),
    "resnet50": ((3, 96, 96), 8),
    "mobilenet": ((3, 128, 128), 16),
    "resnet9": ((3, 32, 32), 128),
}


def measure(name: str) -> None:
    """Train two steps and print what they took, as JSON."""
    import torch
    from torch.nn import functional as F
    from torch.profiler import ProfilerActivity, profile

    from trainwell.core.facts import InputFacts
    from trainwell.nn import MODELS
    from trainwell.recipe.sections import NetworkRecipe

    torch.set_num_threads(1)
    shape, batch = CASES[name]
    model = MODELS[name].build(NetworkRecipe(), InputFacts(shape), 10).train()
    inputs, targets = torch.randn(batch, *shape), torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    step()  # makes the optimizer's state
    optimizer.zero_grad()
    started = time.thread_time()
    step()
    seconds = time.thread_time() - started
    optimizer.zero_grad()
    state = [v for entry in optimizer.state.values() for v in entry.values() if isinstance(v, torch.Tensor)]
    standing = sum(t.nbytes for t in [*model.parameters(), *model.buffers(), *state]) + inputs.nbytes
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    now = most = 0
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    print(json.dumps({"bytes": standing + most, "seconds": seconds}))


def main() -> None:
    import torch

    from trainwell.inspect import cost_sheet, find_subject

    torch.set_num_threads(1)
    print(
        f"{'network':<12}{'batch':>6}{'predicted MB':>14}{'measured MB':>13}{'ratio':>7}{'step, predicted / real':>24}"
    )
    worst = 0.0
    for name, (shape, batch) in CASES.items():
        sheet = cost_sheet(find_subject(name, input_shape=shape, classes=10), batch_size=batch, optimizer="sgd")
        done = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        predicted = sheet.memory.total(batch)
        ratio = predicted / found["bytes"]
        worst = max(worst, abs(ratio - 1))
        times = f"{sheet.step_seconds:.2f} / {found['seconds']:.2f} = {sheet.step_seconds / found['seconds']:.2f}"
        print(f"{name:<12}{batch:>6}{predicted / 1e6:>14.1f}{found['bytes'] / 1e6:>13.1f}{ratio:>7.3f}{times:>24}")
    print(f"worst: {worst:.1%} off (claim: at most 10 %): {'kept' if worst <= 0.1 else 'BROKEN'}")


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
