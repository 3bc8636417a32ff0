"""Claim: with few labels, starting from a network trained on other data, or on the inputs alone, beats from scratch.

Measured: it holds for features learned from the inputs alone (1 % and 5 % of the labels of digits); it does not hold
for the two pairs of data sets below, whose sources are small and briefly trained.

Curriculum P1, P2, A20. Each comparison within one run, interleaved over seeds; the seed changes labels drawn, weights
and order, never the splits (data.split_seed = 0). Reported: mean accuracy on the sealed test split, and its deviation.

* LeNet-5, Fashion-MNIST (20 % of its labels, 4 epochs) -> MNIST with 10 labels a class; n = 3 seeds.
* LeNet-5, 10,000 CIFAR-10 pictures -> ants and bees (hymenoptera, 244 training photographs at 32 x 32); n = 3 seeds.
* MLP on digits with 1 %, 5 % and 20 % of the labels, after denoising on all training inputs; n = 3 seeds.

Hardware: 2 cores. Run: python benchmarks/transfer.py [mnist] [hymenoptera] [labels]
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import trainwell as tw
from trainwell.assemble import advise

DATA = Path(__file__).parents[2] / "shared" / "data"
SEEDS = (0, 1, 2)
BRIEF = {"train.checkpoint_seconds": 1e9}


def race(
    name: str, data: str, entries: Mapping[str, Mapping[str, object]], common: Mapping[str, object], to: str
) -> None:
    """Train every entry with every seed, interleaved, and print the accuracies."""
    found: dict[str, list[float]] = {entry: [] for entry in entries}
    for seed in SEEDS:
        for entry, edits in entries.items():
            run = tw.fit(data, edits={**BRIEF, **common, **edits, "seed": seed, "data.split_seed": 0}, runs=to)
            found[entry].append(run.scores["test"]["accuracy"])
    base = statistics.mean(next(iter(found.values())))
    for entry, values in found.items():
        mean, spread = statistics.mean(values), statistics.stdev(values)
        shown = " ".join(f"{value:.3f}" for value in values)
        print(f"{name}  {entry:<32} {mean:.3f} ± {spread:.3f}  ({shown})  {mean - base:+.3f}", flush=True)


def mnist(to: str) -> None:
    source = tw.fit(
        str(DATA / "fashion-mnist"),
        edits={**BRIEF, "nn.model": "lenet5", "transfer.labelled": 0.2, "train.epochs": 4, "data.validation": 0.02},
        runs=to,
    )
    few = {"transfer.labelled": 0.0017, "train.epochs": 40, "train.batch_size": 16, "data.validation": 0.02}
    few |= {"train.patience": 0}
    start = {"transfer.source": str(source.path)}
    advice = advise(str(DATA / "mnist"), {**few, **start})
    print(f"advice: {advice.case}, distance {advice.distance:.2f}; {advice.recommendation}")
    entries: dict[str, Mapping[str, object]] = {
        "from scratch": {"nn.model": "lenet5"},
        "all layers learn": start,
        f"freeze {advice.freeze}": start | {"transfer.freeze": advice.freeze},
        "first two convolutions only": start | {"transfer.layers": "conv2"},
        "only the head learns": start | {"transfer.freeze": "features"},
        "one more layer every 10 epochs": start | {"transfer.freeze": "features", "transfer.unfreeze_every": 10},
    }
    race("Fashion-MNIST -> MNIST", str(DATA / "mnist"), entries, few, to)


def hymenoptera(to: str) -> None:
    from PIL import Image

    with np.load(DATA / "cifar10" / "cifar10_jpeg.npz") as stored:
        blob, ends, labels = stored["train_jpeg"].tobytes(), stored["train_offsets"], stored["train_labels"][:10_000]
    pictures = [np.asarray(Image.open(io.BytesIO(blob[ends[i] : ends[i + 1]]))) for i in range(10_000)]
    np.savez(Path(to) / "cifar.npz", X=np.stack(pictures), y=labels.astype(np.int64))
    learn = {"nn.model": "lenet5", "optim.name": "adamw", "optim.learning_rate": 2e-3, "optim.weight_decay": 0.01}
    source = tw.fit(
        str(Path(to) / "cifar.npz"), edits={**BRIEF, **learn, "train.epochs": 10, "train.batch_size": 64}, runs=to
    )
    print(f"the source scores {source.scores['test']['accuracy']:.3f} on CIFAR-10")
    few = {
        "train.epochs": 40,
        "train.batch_size": 32,
        "train.patience": 0,
        "data.image_size": 32,
        "data.validation": 0.15,
    }
    start = {"transfer.source": str(source.path)}
    data = str(DATA / "hymenoptera")
    advice = advise(data, {**few, **start})
    print(f"advice: {advice.case}, distance {advice.distance:.2f}; {advice.recommendation}")
    entries: dict[str, Mapping[str, object]] = {
        "from scratch": learn,
        "all layers learn": start,
        "freeze conv2": start | {"transfer.freeze": "conv2"},
        "only the head learns": start | {"transfer.freeze": "features"},
    }
    race("CIFAR-10 -> hymenoptera", data, entries, few, to)


def labels(to: str) -> None:
    for share in (0.01, 0.05, 0.2):
        few = {"transfer.labelled": share, "train.epochs": 60, "train.patience": 0, "transfer.pretrain_epochs": 30}
        entries: dict[str, Mapping[str, object]] = {
            "from scratch": {},
            "autoencoder first": {"transfer.pretrain": "autoencoder"},
            "denoising first": {"transfer.pretrain": "denoising"},
        }
        race(f"digits, {share:.0%} of the labels", "digits", entries, few, to)


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["labels", "mnist", "hymenoptera"]
    with tempfile.TemporaryDirectory() as folder:
        for part in chosen:
            {"mnist": mnist, "hymenoptera": hymenoptera, "labels": labels}[part](folder)
