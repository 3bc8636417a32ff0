"""Search speed: trials per hour of `tune`, against Optuna running the usual DataLoader loop, at equal budget per trial.

Claim: at least 10x on MLP 64-100-10 (scikit-learn's digits) and 2x on LeNet-5 (10,000 Fashion-MNIST pictures; skipped
where they are absent), every trial trained for the same epochs, with nothing stopped early on either side; and the
engine (proposals, store, scores, progress) costs at most 5 % over the bare population loop. Optuna runs TPE with its
SQLite storage, as its documentation advises for a study that can be resumed, and with in-memory storage. Also printed:
memory per member (growth of the resident set), and which engine was chosen and why.
Measured in one process, interleaved, median of n rounds. Usage: python benchmarks/tune.py [rounds] [trials] [epochs]
"""

from __future__ import annotations

import gzip
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import optuna
import psutil
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainwell.assemble import plan
from trainwell.data import from_arrays
from trainwell.nn.zoo import lenet5, mlp
from trainwell.recipe import check_values, edit
from trainwell.search import Options, tune
from trainwell.search.ground import Ground, stand
from trainwell.search.member import make_member
from trainwell.search.methods import Proposer
from trainwell.search.population import WIDTH, Population
from trainwell.search.space import make_space

FASHION = Path(__file__).parents[2] / "shared" / "data" / "fashion-mnist"
SPACE = {"optim.learning_rate": "log:1e-3..0.3", "optim.momentum": "0..0.95", "optim.weight_decay": "log:1e-6..1e-2"}
BATCH = 64


def optuna_loop(build, data, trials: int, epochs: int, storage: str | None) -> float:
    """Return trials per hour of the usual way."""
    x, y, x_val, y_val = data

    def objective(trial: optuna.Trial) -> float:
        torch.manual_seed(trial.number)
        model = build()
        optimizer = torch.optim.SGD(
            model.parameters(),
            lr=trial.suggest_float("lr", 1e-3, 0.3, log=True),
            momentum=trial.suggest_float("momentum", 0, 0.95),
            weight_decay=trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        )
        loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
        for _ in range(epochs):
            for inputs, targets in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs), targets).backward()
                optimizer.step()
        with torch.no_grad():
            return float((model(x_val).argmax(1) == y_val).float().mean())

    study = optuna.create_study(direction="maximize", storage=storage)
    started = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return trials / (time.perf_counter() - started) * 3600


def by_tune(data, trials: int, edits, folder: Path, workers: int = 1) -> tuple[float, str]:
    """Return trials per hour of the whole command, its start included, and the engine it chose."""
    options = Options(edits=edits, repeats=0, final=False, workers=workers)
    started = time.perf_counter()
    study = tune(data, SPACE, trials=trials, method="sobol", runs=folder, options=options)
    return trials / (time.perf_counter() - started) * 3600, f"{study.engine}: {study.why}"


def bare(ground: Ground, trials: int) -> tuple[float, float]:
    """Return trials per hour and bytes per member of the population alone."""
    recipe = ground.plan.recipe
    points = Proposer(make_space(SPACE), method="sobol", trials=trials, seed=0).propose(0, trials, [])
    ground.fold(recipe, 0)
    before, started = psutil.Process().memory_info().rss, time.perf_counter()
    for first in range(0, trials, WIDTH):
        members = [make_member(edit(recipe, point), ground, 0) for point in points[first : first + WIDTH]]
        population = Population(members, ground)
        population.train(1.0)
        population.outcomes()
    grown = (psutil.Process().memory_info().rss - before) / min(trials, WIDTH)
    return trials / (time.perf_counter() - started) * 3600, grown


def report(name: str, build, data, edits, trials: int, epochs: int, rounds: int) -> None:
    x, y, x_val, y_val = data
    edits = edits | {
        "train.epochs": epochs, "train.batch_size": BATCH, "optim.name": "sgd", "optim.schedule": "constant",
        "optim.warmup": 0.0, "optim.nesterov": False, "data.prepare": "none", "data.test": 0.0,
        "data.validation": len(x_val) / (len(x) + len(x_val)),
    }  # fmt: skip
    pair = (torch.cat([x, x_val]).numpy(), torch.cat([y, y_val]).numpy())
    speeds: dict[str, list[float]] = {
        "tune": [],
        "tune, 2 processes": [],
        "bare": [],
        "optuna sqlite": [],
        "optuna memory": [],
    }
    ground = stand(plan(check_values({"data.source": "arrays", **edits}), from_arrays(*pair)))
    with tempfile.TemporaryDirectory() as folder:
        by_tune(pair, 4, edits | {"train.epochs": 1}, Path(folder))  # imports, not counted on either side
        optuna_loop(build, data, 1, 1, f"sqlite:///{folder}/warm.sqlite")
        for number in range(rounds):
            speed, why = by_tune(pair, trials, edits, Path(folder))
            speeds["tune"].append(speed)
            speeds["tune, 2 processes"].append(by_tune(pair, trials, edits, Path(folder), workers=2)[0])
            storage = f"sqlite:///{folder}/{name[:3]}{number}.sqlite"
            speeds["optuna sqlite"].append(optuna_loop(build, data, max(4, trials // 16), epochs, storage))
            speeds["optuna memory"].append(optuna_loop(build, data, max(4, trials // 16), epochs, None))
            if "population" in why:
                speed, grown = bare(ground, trials)
                speeds["bare"].append(speed)
    print(f"{name}, {trials} trials of {epochs} epochs, median of {rounds}; {why}")
    median = {key: statistics.median(values) for key, values in speeds.items() if values}
    for key, value in median.items():
        print(
            f"  {key:18} {value:10,.0f} trials/hour"
            + (f"  tune / {key}: {median['tune'] / value:.2f}x" if key != "tune" else "")
        )
    if speeds["bare"]:
        print(f"  memory {grown / 1e6:.2f} MB per member")


def digits() -> tuple[torch.Tensor, ...]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])
    return x[:1437], y[:1437], x[1437:], y[1437:]


def fashion() -> tuple[torch.Tensor, ...] | None:
    if not FASHION.is_dir():
        return None
    raw = gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())
    x = torch.frombuffer(bytearray(raw), dtype=torch.uint8, offset=16).reshape(-1, 1, 28, 28)[:12_000] / 255
    y = torch.frombuffer(bytearray(labels), dtype=torch.uint8, offset=8)[:12_000].long()
    return x[:10_000], y[:10_000], x[10_000:], y[10_000:]


def main() -> None:
    rounds, trials, epochs = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((1, 3), (2, 256), (3, 5)))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)
    hidden = {"nn.model": "mlp", "nn.hidden": (100,), "nn.dropout": 0.0}
    report(
        "MLP 64-100-10",
        lambda: mlp(input_shape=(64,), outputs=10, hidden=[100]),
        digits(),
        hidden,
        trials,
        epochs,
        rounds,
    )
    pictures = fashion()
    if pictures is None:
        print("LeNet on Fashion-MNIST: skipped, ../shared/data/fashion-mnist is not there")
        return
    lenet = {"nn.model": "lenet5"}
    report(
        "LeNet-5", lambda: lenet5(input_shape=(1, 28, 28), outputs=10), pictures, lenet, max(4, trials // 32), 1, rounds
    )


if __name__ == "__main__":
    main()
