"""Loop cost: steps per second of `fit` with everything switched on, compared with hand-written loops.

Claim: `tw.fit` with metrics, monitoring, store and progress reaches at least 0.95x of (a) the hand-written PyTorch loop
    over in-memory tensors, and on the MLP at least 1.7x of (b) the usual loop over DataLoader(TensorDataset).
Command: python benchmarks/loop.py [rounds]
Hardware: 2 cores.
n: median of the given number of rounds, interleaved in one process.

Networks: MLP 64-100-10 on scikit-learn's digits (repeated to 19,200 examples), batch 64, and LeNet-5 on Fashion-MNIST
images (skipped without ../shared/data/fashion-mnist), batch 128; AdamW, one validation pass per epoch everywhere. The
hand-written loops use torch's default AdamW; the ratio to a fused AdamW is printed too.
"""

from __future__ import annotations

import gzip
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import trainwell as tw
from trainwell.fitting.fit import Silent
from trainwell.nn.zoo.lenet5 import lenet5
from trainwell.nn.zoo.mlp import mlp
from trainwell.report import LiveDisplay

FASHION = Path(__file__).parents[2] / "shared" / "data" / "fashion-mnist"


def evaluate(model, x, y) -> float:
    model.eval()
    with torch.no_grad():
        right = sum(int((model(x[i : i + 1024]).argmax(1) == y[i : i + 1024]).sum()) for i in range(0, len(x), 1024))
    model.train()
    return right / len(x)


def by_hand(model, data, epochs: int, batch: int, fused: bool | None = None) -> float:
    x, y, x_val, y_val = data
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=fused)
    steps, started = 0, time.perf_counter()
    for _ in range(epochs):
        order, total = torch.randperm(len(x)), 0.0
        for start in range(0, len(x), batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x[chosen]), y[chosen])
            loss.backward()
            optimizer.step()
            total += loss.item()
            steps += 1
        evaluate(model, x_val, y_val)
    return steps / (time.perf_counter() - started)


def by_loader(model, data, epochs: int, batch: int) -> float:
    x, y, x_val, y_val = data
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True)
    steps, started = 0, time.perf_counter()
    for _ in range(epochs):
        total = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            total += loss.item()
            steps += 1
        evaluate(model, x_val, y_val)
    return steps / (time.perf_counter() - started)


class Timed(Silent):
    """A real progress display on a stream nobody reads, and a clock from the first step to the last evaluation."""

    def __init__(self) -> None:
        self.live = LiveDisplay(io.StringIO())

    def start(self, facts, step) -> None:
        self.live.start({"epochs": facts.epochs, "steps": facts.steps, "sizes": dict(facts.sizes)})
        self.steps, self.started = facts.steps, time.perf_counter()

    def step(self, step, epoch) -> None:
        self.live.update(step, epoch=epoch + 1)

    def epoch(self, epoch, numbers, best) -> None:
        self.live.epoch({"epoch": epoch, "best": best, **numbers})

    def stop(self) -> None:
        self.speed = self.steps / (time.perf_counter() - self.started)
        self.live.stop()


def by_fit(model, data, epochs: int, batch: int, folder: Path) -> float:
    x, y, x_val, y_val = data
    share = len(x_val) / (len(x) + len(x_val))
    display = Timed()
    edits = {
        "train.batch_size": batch,
        "data.validation": share,
        "data.test": 0.0,
        "train.patience": 0,
        "data.prepare": "none",
    }
    pair = (torch.cat([x, x_val]), torch.cat([y, y_val]))
    tw.fit(pair, model, epochs=epochs, edits=edits, runs=folder, display=display)
    return display.speed


def report(name: str, build, data, epochs: int, batch: int, rounds: int) -> None:
    speeds: dict[str, list[float]] = {"hand": [], "hand fused": [], "loader": [], "fit": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            speeds["hand"].append(by_hand(build(), data, epochs, batch))
            speeds["fit"].append(by_fit(build(), data, epochs, batch, Path(folder)))
            speeds["hand fused"].append(by_hand(build(), data, epochs, batch, fused=True))
            speeds["loader"].append(by_loader(build(), data, epochs, batch))
    median = {key: statistics.median(values) for key, values in speeds.items()}
    print(
        f"{name}, batch {batch}, median of {rounds}: " + ", ".join(f"{k} {v:,.0f} steps/s" for k, v in median.items())
    )
    for peer in ("hand", "hand fused", "loader"):
        print(f"  fit / {peer}: {median['fit'] / median[peer]:.2f}x")


def digits() -> tuple[torch.Tensor, ...]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    rows = np.resize(np.random.default_rng(0).permutation(len(x)), 20_800)
    x, y = torch.tensor(x[rows] / 16, dtype=torch.float32), torch.tensor(y[rows])
    return x[:19_200], y[:19_200], x[19_200:], y[19_200:]


def fashion() -> tuple[torch.Tensor, ...] | None:
    if not FASHION.is_dir():
        return None
    raw = gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())
    x = torch.frombuffer(bytearray(raw), dtype=torch.uint8, offset=16).reshape(-1, 1, 28, 28)[:14_080] / 255
    y = torch.frombuffer(bytearray(labels), dtype=torch.uint8, offset=8)[:14_080].long()
    return x[:12_800], y[:12_800], x[12_800:], y[12_800:]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    report("MLP 64-100-10", lambda: mlp(input_shape=(64,), outputs=10, hidden=[100]), digits(), 5, 64, rounds)
    images = fashion()
    if images is None:
        print("LeNet on Fashion-MNIST: skipped: ../shared/data/fashion-mnist does not exist")
        return
    report("LeNet-5", lambda: lenet5(input_shape=(1, 28, 28), outputs=10), images, 1, 128, rounds)


if __name__ == "__main__":
    main()
