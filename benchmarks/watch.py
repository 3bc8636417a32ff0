"""Monitoring a training loop: overhead, and identity of the weights.

Claim: the time of training, monitored over unmonitored, is at most 1.02 at the default budget and at most 1.10 with
    everything switched on, which is a budget of 10 %; the weights are identical bit for bit.
Command: python benchmarks/watch.py [seconds per network and kind] [networks]
Hardware: 2 cores; one thread is used.
n: as many rounds as fit into the given time, for each network.

Networks: an MLP 64-256-256-10 (batch 128, about 1 ms per step), LeNet-5 on 28x28 images (batch 64), a ResNet-18 of a
quarter of the width on 32x32 images (batch 16), an LSTM and a transformer encoder over rows (batch 64); SGD with
momentum. Two equal trainings alternate in one process, 50 steps each (10 of the larger networks), one monitored and one
not; time is thread CPU time. The ratio is that of the sums; that of the median round, in which no sample falls, is
printed too. Because the monitor's clock runs during both, it gets half the budget. The first four rounds, in which
samples are dense whatever the budget, are printed separately.
For comparison: the same loop logging the same numbers by hand in every step (loss, norms of every gradient and weight,
mean and standard deviation of every layer's outputs), and the published figures of Cockpit, recomputed from its tables
(Schneider et al. 2021): its "economy" set, tracked at every 1st / 16th / 256th step, takes 4.2 / 1.27 / 1.03 of the
time of an MLP on MNIST and 1.52 / 1.05 / 1.01 of that of a CNN on CIFAR-10 (on a GPU).
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.monitor import Record, Session
from trainwell.nn.zoo.lenet5 import lenet5

ROUNDS_LEFT_OUT = 4


class Lstm(nn.Module):
    """An LSTM over rows."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(16, 64, batch_first=True), nn.Linear(64, 10)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(rows)[0][:, -1])


class Transformer(nn.Module):
    """Two encoder layers over rows."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        self.embed, self.head = nn.Linear(16, 64), nn.Linear(64, 10)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(self.embed(rows)).mean(1))


class Block(nn.Module):
    """Two convolutions around which the signal may pass."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(before, width, 3, stride, 1), nn.Conv2d(width, width, 3, 1, 1)
        self.norm_one, self.norm_two = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.past = nn.Identity() if stride == 1 and before == width else nn.Conv2d(before, width, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm_two(self.two(F.relu(self.norm_one(self.one(x))))) + self.past(x))


def resnet() -> nn.Module:
    widths = [16, 16, 16, 32, 32, 64, 64, 128, 128]
    blocks = [Block(a, b, 1 if a == b else 2) for a, b in zip(widths, widths[1:], strict=False)]
    start = [nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*start, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


NETWORKS = {  # builder, inputs, batch, steps in a turn
    "mlp": (mlp, (4096, 64), 128, 50),
    "lenet5": (lambda: lenet5(input_shape=(1, 28, 28), outputs=10), (2048, 1, 28, 28), 64, 10),
    "resnet": (resnet, (256, 3, 32, 32), 16, 10),
    "lstm": (Lstm, (2048, 20, 16), 64, 10),
    "transformer": (Transformer, (2048, 20, 16), 64, 10),
}
KINDS = {"default": 0.02, "everything": 0.10}


class Training:
    """One training that can be continued by some steps."""

    def __init__(self, name: str) -> None:
        build, shape, self.size, _ = NETWORKS[name]
        torch.manual_seed(0)
        self.model, self.inputs = build(), torch.randn(*shape)
        self.targets = torch.randint(0, 10, (len(self.inputs),))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9)
        self.steps = 0
        self.log: list[list[float]] | None = None

    def log_everything(self) -> None:
        """Log in every step what a watch would, as one writes it by hand."""
        self.log = []
        for layer in self.model.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ReLU)):
                layer.register_forward_hook(lambda m, i, o: self.log[-1].extend((o.mean().item(), o.std().item())))

    def go_on(self, steps: int) -> float:
        """Return the seconds it took."""
        began = time.thread_time()
        for step in range(self.steps, self.steps + steps):
            batch = torch.arange(step * self.size, (step + 1) * self.size) % len(self.inputs)
            self.optimizer.zero_grad()
            if self.log is not None:
                self.log.append([])
            loss = F.cross_entropy(self.model(self.inputs[batch]), self.targets[batch])
            loss.backward()
            if self.log is not None:
                sizes = [one.norm().item() for p in self.model.parameters() for one in (p.grad, p.detach())]
                self.log[-1].extend((loss.item(), *sizes))
            self.optimizer.step()
        self.steps += steps
        return time.thread_time() - began

    def digest(self) -> str:
        return hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in self.model.parameters())).hexdigest()


def compare(name: str, kind: str, seconds: float) -> None:
    plain, watched, turn = Training(name), Training(name), NETWORKS[name][3]
    session = Session(Record(None, lambda line: None), budget=KINDS[kind] / 2, optimizers=[watched.optimizer])
    rounds: list[tuple[float, float, int]] = []  # seconds of both, and steps
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or len(rounds) < 2 * ROUNDS_LEFT_OUT:
        before, alone, beside = plain.steps, 0.0, 0.0
        if len(rounds) % 2:  # who goes first, goes first with caches full of the other's numbers
            alone += plain.go_on(turn)
        session.resume()
        beside += watched.go_on(turn)
        while session.is_sampling:  # its hooks would see the other training
            beside += watched.go_on(1)
        session.pause()
        alone += plain.go_on(watched.steps - plain.steps)
        rounds.append((alone, beside, plain.steps - before))
    session.finish()
    later, start = rounds[ROUNDS_LEFT_OUT:], rounds[:ROUNDS_LEFT_OUT]
    same = "identical" if plain.digest() == watched.digest() else "DIFFERENT"
    pace = statistics.median(alone / steps for alone, _, steps in later)
    print(
        f"{name:12} {kind:10} {1e3 * pace:6.2f} ms a step, {plain.steps:6} steps: watched/unwatched "
        f"{_ratio(later):.3f}, median of rounds {statistics.median(b / a for a, b, _ in later):.3f} "
        f"(at the start {_ratio(start):.3f}), weights {same}, by itself {2 * session.trainings.overhead_fraction:.1%}",
        flush=True,
    )


def by_hand(name: str, seconds: float) -> None:
    plain, logged, turn = Training(name), Training(name), NETWORKS[name][3]
    logged.log_everything()
    began, rounds = time.perf_counter(), []
    while time.perf_counter() - began < seconds or not rounds:
        rounds.append((plain.go_on(turn), logged.go_on(turn), turn))
    print(f"{name:12} {'by hand':10} logging the same in every step: {_ratio(rounds):.3f}", flush=True)


def _ratio(rounds: list[tuple[float, float, int]]) -> float:
    return sum(one[1] for one in rounds) / sum(one[0] for one in rounds)


if __name__ == "__main__":
    torch.set_num_threads(1)
    Training("mlp").go_on(50)
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    for name in sys.argv[2:] or NETWORKS:
        for kind in KINDS:
            compare(name, kind, seconds)
        by_hand(name, seconds / 4)
