"""Search speed: trials per hour of `tune`, compared with Optuna and Ray Tune running the usual DataLoader loop.

Claim: at equal budget per trial (every trial trains for the same number of epochs, without early stopping),
    * MLP 64-100-10 on scikit-learn's digits: at least 10x Optuna and 20x Ray Tune with 2 workers;
    * LeNet-5 on 10,000 Fashion-MNIST images: at least 2x Optuna and 3x Ray Tune;
    * the engine (start, measurement, proposals, store, progress) costs at most 5 % over the bare population loop.
Command: python benchmarks/tune.py [rounds]
Hardware: any; the number of cores is printed. About 6 minutes with 3 rounds on 2 cores.
n: median of the given number of interleaved rounds.

The cost of the engine is measured by timers around the bare loop within each run of `tune`, so that other load affects
both. Optuna runs TPE with its SQLite storage, as its documentation recommends for a study that can be resumed, and with
in-memory storage. Ray Tune (where its extra [tune] is installed) runs random search with 2 workers, reused and warm.
`tune` is timed completely: start, measurement, workers, database. All but Ray Tune and the second row of `tune` use one
process with one thread. LeNet-5 is skipped without ../shared/data/fashion-mnist.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import psutil
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainwell.data import from_arrays
from trainwell.fitting import plan
from trainwell.nn.zoo.lenet5 import lenet5
from trainwell.nn.zoo.mlp import mlp
from trainwell.population.compatibility import make_member
from trainwell.population.folds import Folds, make_folds
from trainwell.population.population import Population, good_width
from trainwell.recipe import check_values, edit
from trainwell.search import Compute, FinalEvaluation, Options, make_space, tune
from trainwell.search.methods import METHODS

FASHION = Path(__file__).parents[2] / "shared" / "data" / "fashion-mnist"
SPACE = {"optim.learning_rate": "log:1e-3..0.3", "optim.momentum": "0..0.95", "optim.weight_decay": "log:1e-6..1e-2"}
BATCH = 64
# What the bare loop does; before `choose_engine` returns, it is the measurement.
BARE = [
    ("tune", "choose_engine"),
    ("compute.runner", "make_member"),
    *((Population, name) for name in ("__init__", "train", "results")),
]
Build = Callable[[], nn.Module]
Data = tuple[torch.Tensor, ...]


def usual_loop(build: Build, data: Data, epochs: int, rate: float, momentum: float, decay: float) -> float:
    """Train one network as most scripts do and return its accuracy."""
    x, y, x_val, y_val = data
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum, weight_decay=decay)
    loader = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    with torch.no_grad():
        return float((model(x_val).argmax(1) == y_val).float().mean())


def by_optuna(build: Build, data: Data, trials: int, epochs: int, storage: str | None) -> float:
    """Return trials per hour of Optuna."""

    def objective(trial: optuna.Trial) -> float:
        torch.manual_seed(trial.number)
        rate = trial.suggest_float("lr", 1e-3, 0.3, log=True)
        momentum = trial.suggest_float("momentum", 0, 0.95)
        return usual_loop(build, data, epochs, rate, momentum, trial.suggest_float("decay", 1e-6, 1e-2, log=True))

    study = optuna.create_study(direction="maximize", storage=storage)
    started = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    return trials / (time.perf_counter() - started) * 3600


def by_ray(build: Build, data: Data, trials: int, epochs: int, folder: Path) -> float | None:
    """Return trials per hour of Ray Tune with 2 workers, warm; None where it is not installed."""
    try:
        import ray
        from ray import tune as raytune
    except ImportError:
        return None
    if not ray.is_initialized():
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)

    def train(config: dict, build: Build | None = None, data: Data | None = None) -> None:  # given by with_parameters
        assert build is not None and data is not None
        torch.set_num_threads(1)
        raytune.report({"accuracy": usual_loop(build, data, epochs, **config)})

    space = {
        "rate": raytune.loguniform(1e-3, 0.3),
        "momentum": raytune.uniform(0, 0.95),
        "decay": raytune.loguniform(1e-6, 1e-2),
    }

    def fit(number: int) -> float:
        started = time.perf_counter()
        results = raytune.Tuner(
            raytune.with_resources(raytune.with_parameters(train, build=build, data=data), {"cpu": 1}),
            param_space=space,
            tune_config=raytune.TuneConfig(
                num_samples=number, metric="accuracy", mode="max", reuse_actors=True, max_concurrent_trials=2
            ),
            run_config=raytune.RunConfig(storage_path=str(folder), verbose=0),
        ).fit()
        assert not results.num_errors, results.errors
        return time.perf_counter() - started

    return trials / fit(trials) * 3600


def by_tune(
    data: tuple[np.ndarray, ...], trials: int, edits: dict, folder: Path, workers: int = 1
) -> tuple[float, str]:
    """Return trials per hour of the whole command, its start included, and the engine it chose."""
    evaluation = FinalEvaluation(repeats=0, train_winner=False)
    options = Options(edits, compute=Compute(workers=workers), evaluation=evaluation)
    started = time.perf_counter()
    study = tune(data, SPACE, trials=trials, method="sobol", runs=folder, options=options)
    return trials / (time.perf_counter() - started) * 3600, f"{study.engine}: {study.execution.why}"


def engine_cost(data: tuple[np.ndarray, ...], trials: int, edits: dict, folder: Path) -> tuple[float, float]:
    """Return what `tune` takes over what the bare loop does in it, of the processor and by the clock: 0.05 is 5 %."""
    clocks = (time.process_time, time.perf_counter)
    spent = [0.0, 0.0]
    kept = []

    def timed(function: Callable, begins: bool = False) -> Callable:
        @functools.wraps(function)
        def call(*args: object, **named: object) -> object:
            started = [clock() for clock in clocks]
            try:
                return function(*args, **named)
            finally:
                for place, clock in enumerate(clocks):
                    spent[place] = 0.0 if begins else spent[place] + clock() - started[place]

        return call

    try:
        for where, name in BARE:
            owner = importlib.import_module(f"trainwell.search.{where}") if isinstance(where, str) else where
            kept.append((owner, name, getattr(owner, name)))
            setattr(owner, name, timed(getattr(owner, name), name == "choose_engine"))
        started = [clock() for clock in clocks]
        by_tune(data, trials, edits, folder)
        whole = [clock() - start for clock, start in zip(clocks, started, strict=True)]
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)
    return whole[0] / spent[0] - 1, whole[1] / spent[1] - 1


def bare(folds: Folds, trials: int) -> tuple[float, float, int]:
    """Return trials per hour, bytes per member and width of the population alone."""
    recipe = folds.plan.recipe
    points = METHODS["sobol"](make_space(SPACE), trials=trials, seed=0).propose(range(trials), [])
    fold = folds.fold(recipe, 0)
    width = good_width(make_member(recipe, folds), fold.input_shape)
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    most = 0
    for first in range(0, trials, width):
        members = [make_member(edit(recipe, point), folds) for point in points[first : first + width]]
        population = Population(members, folds, width=width)
        population.train(1.0)
        population.results()
        most = max(most, psutil.Process().memory_info().rss - before)
    return trials / (time.perf_counter() - started) * 3600, most / width, width


def report(name: str, build: Build, data: Data, edits: dict, budget: tuple[int, int, int], rounds: int) -> None:
    """Measure everything on one network and print it.

    Args:
        budget: trials of `tune`, trials of each of the others in one round, epochs of a trial.
    """
    x, y, x_val, y_val = data
    trials, few, epochs = budget
    edits = edits | {
        "train.epochs": epochs,
        "train.batch_size": BATCH,
        "optim.name": "sgd",
        "optim.schedule": "constant",
        "optim.warmup": 0.0,
        "optim.nesterov": False,
        "data.prepare": "none",
        "data.test": 0.0,
        "data.validation": len(x_val) / (len(x) + len(x_val)),
    }
    pair = (torch.cat([x, x_val]).numpy(), torch.cat([y, y_val]).numpy())
    speeds: dict[str, list[float]] = {}
    folds = make_folds(plan(check_values({"data.source": "arrays", **edits}), from_arrays(*pair)))
    grown = 0.0
    width = 1
    costs: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made)
        by_tune(pair, 4, edits | {"train.epochs": 1}, folder)  # imports, not counted on any side
        by_optuna(build, data, 1, 1, f"sqlite:///{folder}/warm.sqlite")
        if by_ray(build, data, 2, 1, folder) is None:
            print("Ray Tune: skipped: it is not installed")
        for number in range(rounds):
            speed, why = by_tune(pair, trials, edits, folder)
            speeds.setdefault("tune", []).append(speed)
            speeds.setdefault("tune, 2 processes", []).append(by_tune(pair, trials, edits, folder, workers=2)[0])
            storage = f"sqlite:///{folder}/{name[:3]}{number}.sqlite"
            speeds.setdefault("Optuna, SQLite", []).append(by_optuna(build, data, few, epochs, storage))
            speeds.setdefault("Optuna, in memory", []).append(by_optuna(build, data, few, epochs, None))
            if (speed := by_ray(build, data, few, epochs, folder)) is not None:
                speeds.setdefault("Ray Tune, 2 workers", []).append(speed)
            if "population" in why:
                speed, grown, width = bare(folds, trials)
                speeds.setdefault("bare population", []).append(speed)
                costs.append(engine_cost(pair, trials, edits, folder))
    print(f"{name}, {trials} trials of {epochs} epochs ({few} of the others), median of {rounds} rounds; {why}")
    for key, values in speeds.items():
        line = f"  {key:20} {statistics.median(values):10,.0f} trials/hour"
        for ours in ("tune", "tune, 2 processes"):
            if not key.startswith("tune"):
                ratio = statistics.median(a / b for a, b in zip(speeds[ours], values, strict=True))
                line += f"   {ours} / it: {ratio:.2f}x"
        print(line)
    if grown:
        processor, clock = map(statistics.median, zip(*costs, strict=True))
        print(f"  the engine costs {processor:.1%} over the bare loop, {clock:.1%} by the clock")
        print(f"  memory: {grown / 1e6:.2f} MB for each of {width} members, networks, data and scores included")
    print(f"  load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)


def digits() -> Data:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = torch.tensor(x[order] / 16, dtype=torch.float32), torch.tensor(y[order])
    return x[:1437], y[:1437], x[1437:], y[1437:]


def fashion() -> Data | None:
    if not FASHION.is_dir():
        return None
    raw = gzip.decompress((FASHION / "train-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((FASHION / "train-labels-idx1-ubyte.gz").read_bytes())
    x = torch.frombuffer(bytearray(raw), dtype=torch.uint8, offset=16).reshape(-1, 1, 28, 28)[:12_000] / 255
    y = torch.frombuffer(bytearray(labels), dtype=torch.uint8, offset=8)[:12_000].long()
    return x[:10_000], y[:10_000], x[10_000:], y[10_000:]


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    wanted = sys.argv[2:] or ["mlp", "lenet"]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0"}
    torch.set_num_threads(1)
    hidden = {"nn.model": "mlp", "nn.hidden": (100,), "nn.dropout": 0.0}
    build = functools.partial(mlp, input_shape=(64,), outputs=10, hidden=[100])
    if "mlp" in wanted:
        report("MLP 64-100-10", build, digits(), hidden, (1536, 48, 5), rounds)
    if "lenet" not in wanted:
        return
    images = fashion()
    if images is None:
        print("LeNet on Fashion-MNIST: skipped: ../shared/data/fashion-mnist does not exist")
        return
    build = functools.partial(lenet5, input_shape=(1, 28, 28), outputs=10)
    report("LeNet-5", build, images, {"nn.model": "lenet5"}, (32, 6, 1), rounds)


if __name__ == "__main__":
    main()
