"""The two-stage search of a two-layer network on CIFAR-10 (curriculum N1, N5).

Claim: for 50 hidden units, at an equal number of trials of equal length, random search finds a better network than a
grid on average over seeds, coarse-to-fine a better one than one stage of random search; the winner, trained longer on
49,000 pictures, reaches at least 53 % on the 1,000 pictures of the validation split. Searched on 10,000 pictures for 3
epochs a trial, judged on 1,000 others; rate and weight decay vary over 5 orders of magnitude. Skipped where the
pictures are absent.
Usage: python benchmarks/two_layer.py [seeds] [epochs of the winner]; 3 and 30 unless told otherwise.
"""

from __future__ import annotations

import dataclasses
import io
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from trainwell import fit
from trainwell.search import Options, Study, tune

PICTURES = Path(__file__).parents[2] / "shared" / "data" / "cifar10" / "cifar10_jpeg.npz"
SPACE = {"optim.learning_rate": "log:1e-5..1", "optim.weight_decay": "log:1e-6..0.1"}
TRIALS = 25
EDITS = {
    "nn.model": "mlp", "nn.hidden": (50,), "nn.dropout": 0.0, "train.batch_size": 100, "optim.name": "sgd",
    "optim.momentum": 0.9, "data.test": 0.0,
}  # fmt: skip


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return the 50,000 training pictures (N, 32, 32, 3) and their classes."""
    from PIL import Image

    packed = np.load(PICTURES)
    raw, at = packed["train_jpeg"].tobytes(), packed["train_offsets"]
    decoded = [np.asarray(Image.open(io.BytesIO(raw[i:j]))) for i, j in zip(at, at[1:], strict=False)]
    return np.stack(decoded), packed["train_labels"]


def search(data: tuple[np.ndarray, np.ndarray], method: str, seed: int, folder: Path) -> Study:
    edits = EDITS | {"train.epochs": 3, "seed": seed, "data.validation": 1000 / len(data[0])}
    options = Options(edits=edits, repeats=0, final=False)
    return tune(data, SPACE, trials=TRIALS, method=method, runs=folder, options=options)


def main() -> None:
    seeds, epochs = (int(sys.argv[i]) if len(sys.argv) > i else d for i, d in ((1, 3), (2, 30)))
    if not PICTURES.is_file():
        print("skipped: ../shared/data/cifar10 is not there")
        return
    torch.set_num_threads(1)
    inputs, targets = pictures()
    few = (inputs[:11_000], targets[:11_000])
    best: dict[str, list[float]] = {"grid": [], "random": [], "coarse-to-fine": []}
    winner: Study | None = None
    with tempfile.TemporaryDirectory() as made:
        for seed in range(seeds):
            for method, scores in best.items():
                started = time.perf_counter()
                study = search(few, method, seed, Path(made))
                assert study.best is not None and study.best.score is not None
                scores.append(study.best.score)
                if winner is None or winner.best is None or study.best.score > (winner.best.score or 0):
                    winner = study
                print(
                    f"seed {seed}  {method:15} {study.best.score:.3f}  {dict(study.best.settings)}  "
                    f"({time.perf_counter() - started:.0f} s, {study.engine})",
                    flush=True,
                )
        for method, scores in best.items():
            print(f"  {method:15} mean of the best {statistics.fmean(scores):.4f}")
        assert winner is not None
        recipe = dataclasses.replace(winner.best_recipe)
        edits = EDITS | {
            "optim.learning_rate": recipe.optim.learning_rate, "optim.weight_decay": recipe.optim.weight_decay,
            "train.epochs": epochs, "train.patience": 0, "data.validation": 0.02, "data.flip": True, "seed": 0,
        }  # fmt: skip
        run = fit((inputs, targets), edits=edits, runs=made)
        print(f"winner, {epochs} epochs on 49,000 pictures: validation {run.scores['validation']['accuracy']:.4f}")


if __name__ == "__main__":
    main()
