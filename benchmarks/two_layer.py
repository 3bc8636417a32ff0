"""The two-stage search of a two-layer network on CIFAR-10, an assignment of the course CS231n (Stanford).

Claim: for 50 hidden units, at an equal number of trials of equal length, random search finds a better network than a
    grid on average over seeds, and coarse-to-fine search a better one than random search.
Command: python benchmarks/two_layer.py [seeds] [trials of the second stage] [their epochs]
Hardware: 2 cores; about 15 minutes of one core.
n: 6 seeds, 6 trials of the second stage and 50 epochs unless given; 0 omits a stage.

Searched on 10,000 images for 3 epochs per trial, evaluated on 3,000 others, in two spaces: learning rate and weight
decay over 5 orders of magnitude (25 trials, a grid of 5 x 5), and also dropout (27 trials, a grid of 3 x 3 x 3). A
second stage on 49,000 images, in the narrow range of good settings, trains longer: its best reaches at least 53 % of
the 1,000 images of the validation split. Skipped without ../shared/data/cifar10.
Measured: random over grid -0.1 points with two settings, +3.5 with three; coarse-to-fine over random +0.3 and -0.4.
"""

from __future__ import annotations

import io
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from trainwell.search import Compute, FinalEvaluation, Options, Study, tune

IMAGES = Path(__file__).parents[2] / "shared" / "data" / "cifar10" / "cifar10_jpeg.npz"
PLANE = {"optim.learning_rate": "log:1e-5..1", "optim.weight_decay": "log:1e-6..0.1"}
SPACES = {25: PLANE, 27: PLANE | {"nn.dropout": "0..0.8"}}  # by the number of trials
JUDGES = 3000
FINE = {"optim.learning_rate": "log:0.015..0.1", "optim.weight_decay": "log:3e-4..3e-3"}  # chosen by hand, as there
EDITS = {
    "nn.model": "mlp",
    "nn.hidden": (50,),
    "nn.dropout": 0.0,
    "train.batch_size": 100,
    "optim.name": "sgd",
    "optim.momentum": 0.9,
    "data.test": 0.0,
}
NO_WINNER = FinalEvaluation(repeats=0, train_winner=False)


def images() -> tuple[np.ndarray, np.ndarray]:
    """Return the 50,000 training images (N, 32, 32, 3) and their classes."""
    from PIL import Image

    packed = np.load(IMAGES)
    raw, at = packed["train_jpeg"].tobytes(), packed["train_offsets"]
    decoded = [np.asarray(Image.open(io.BytesIO(raw[i:j]))) for i, j in zip(at, at[1:], strict=False)]
    return np.stack(decoded), packed["train_labels"]


def search(data: tuple[np.ndarray, np.ndarray], trials: int, method: str, seed: int, folder: Path) -> Study:
    edits = EDITS | {"train.epochs": 3, "seed": seed, "data.validation": JUDGES / len(data[0])}
    options = Options(edits, evaluation=NO_WINNER)
    return tune(data, SPACES[trials], trials=trials, method=method, runs=folder, options=options)


def compare(data: tuple[np.ndarray, np.ndarray], trials: int, seeds: int, folder: Path) -> None:
    """Print the best of each way to search, over some seeds, and what each gains on random search."""
    best: dict[str, list[float]] = {"grid": [], "random": [], "coarse-to-fine": []}
    for seed in range(seeds):
        for method, scores in best.items():
            started = time.process_time()
            study = search(data, trials, method, seed, folder)
            assert study.best is not None and study.best.score is not None
            scores.append(study.best.score)
            spent = time.process_time() - started
            print(f"seed {seed}  {method:15} {table(study, 1)}  ({spent:.0f} s of the processor, {study.engine})")
            sys.stdout.flush()
    for method, scores in best.items():
        gains = [score - plain for score, plain in zip(scores, best["random"], strict=True)]
        error = statistics.stdev(gains) / seeds**0.5 if seeds > 1 else math.nan
        print(
            f"  {len(SPACES[trials])} settings  {method:15} mean of the best {statistics.fmean(scores):.4f} over "
            f"{seeds} seeds, {statistics.fmean(gains):+.4f} (standard error {error:.4f}) on random"
        )


def finish(data: tuple[np.ndarray, np.ndarray], trials: int, epochs: int, folder: Path) -> None:
    """Print the second stage: all images, the narrow range, long trainings with mirrored images."""
    edits = EDITS | {
        "train.epochs": epochs,
        "train.batch_size": 200,
        "data.validation": 1000 / len(data[0]),
        "data.flip": True,
    }
    started = time.process_time()
    options = Options(edits, evaluation=NO_WINNER, compute=Compute(engine="population"))
    study = tune(data, FINE, trials=trials, method="sobol", runs=folder, options=options)
    assert study.best is not None and study.best.score is not None
    print(table(study, trials))
    spent = time.process_time() - started
    print(f"winner of {trials}, {epochs} epochs: validation {study.best.score:.4f}  ({spent:.0f} s of the processor)")


def table(study: Study, most: int) -> str:
    """Return the best trials as the notes print them."""
    return "\n".join(
        f"val_acc: {trial.score:.3f}, lr: {trial.settings['optim.learning_rate']:.2e}, "
        f"reg: {trial.settings['optim.weight_decay']:.2e}"
        for trial in study.ranked[:most]
        if trial.score is not None
    )


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 6
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    if not IMAGES.is_file():
        print("skipped: ../shared/data/cifar10 does not exist")
        return
    torch.set_num_threads(1)
    inputs, targets = images()
    with tempfile.TemporaryDirectory() as made:
        if seeds:
            size = 10_000 + JUDGES
            for count in SPACES:
                compare((inputs[:size], targets[:size]), count, seeds, Path(made))
        if trials:
            finish((inputs, targets), trials, epochs, Path(made))


if __name__ == "__main__":
    main()
