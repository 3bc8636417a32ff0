"""Watching a loop costs at most 2 % of its training time and changes no bit of its weights.

Claim: the time of training, watched over unwatched, is at most 1.02 at the default budget, and the weights after it are
identical. Networks: an MLP 64-256-256-10 (batch 128, about 1 ms a step), LeNet-5 on 28x28 pictures (batch 64), and a
GRU; SGD with momentum, one thread. Two equal trainings take turns in one process, 50 steps each, one watched and one
not; time is the processor time of the thread. Because the watch lives through both, it is given half the budget.
The first 200 steps, in which a watch looks often whatever the budget, are left out and printed apart.
Usage: python benchmarks/watch.py [seconds per network]
"""

from __future__ import annotations

import hashlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.nn.zoo import lenet5
from trainwell.watching import Record, Session

BLOCK, START = 50, 200


class Reader(nn.Module):
    """A GRU over rows."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.head = nn.GRU(16, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(rows)[0][:, -1])


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


NETWORKS = {
    "mlp": (mlp, (4096, 64), 128),
    "lenet5": (lambda: lenet5(input_shape=(1, 28, 28), outputs=10), (2048, 1, 28, 28), 64),
    "gru": (Reader, (2048, 20, 16), 64),
}


class Training:
    """One training that can be continued by some steps."""

    def __init__(self, name: str) -> None:
        build, shape, self.size = NETWORKS[name]
        torch.manual_seed(0)
        self.model, self.inputs = build(), torch.randn(*shape)
        self.targets = torch.randint(0, 10, (len(self.inputs),))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.steps = 0

    def go_on(self, steps: int) -> float:
        """Return the seconds it took."""
        began = time.thread_time()
        for step in range(self.steps, self.steps + steps):
            batch = torch.arange(step * self.size, (step + 1) * self.size) % len(self.inputs)
            self.optimizer.zero_grad()
            loss = F.cross_entropy(self.model(self.inputs[batch]), self.targets[batch])
            loss.backward()
            self.optimizer.step()
        self.steps += steps
        return time.thread_time() - began

    def digest(self) -> str:
        return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in self.model.parameters())).hexdigest()


def compare(name: str, seconds: float) -> None:
    plain, watched = Training(name), Training(name)
    session = Session(Record(None, lambda line: None), budget=0.01, optimizers=[watched.optimizer])
    times = {"start": [0.0, 0.0], "later": [0.0, 0.0]}
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        phase = times["start" if plain.steps < START else "later"]
        if plain.steps // BLOCK % 2:  # who goes first, goes first with caches full of the other's numbers
            phase[0] += plain.go_on(BLOCK)
        session.resume()
        phase[1] += watched.go_on(BLOCK)
        while session.is_armed:  # its hooks would see the other training
            phase[1] += watched.go_on(1)
        session.pause()
        phase[0] += plain.go_on(watched.steps - plain.steps)
    session.finish()
    later, start = (times[phase][1] / times[phase][0] for phase in ("later", "start"))
    same = plain.digest() == watched.digest()
    pace = 1e3 * times["later"][0] / (plain.steps - START)
    print(
        f"{name:8} {pace:5.2f} ms a step, {plain.steps} steps: watched/unwatched {later:.3f} (first {START} steps "
        f"{start:.3f}), weights {'identical' if same else 'DIFFERENT'}, "
        f"measured by itself {2 * session.trainings.overhead_fraction:.1%}",
        flush=True,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    Training("mlp").go_on(50)
    for name in NETWORKS:
        compare(name, float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
