"""Transfer learning and unsupervised pre-training with few labels (docs/curriculum.md, P1, P2, P3, A20).

Claim: with few labels, features of a network trained on other data, or on the inputs alone, outperform training from
    scratch.
Command: python benchmarks/transfer.py [labels] [mnist] [fashion] [hymenoptera]
Hardware: 2 cores.
n: 3 seeds.

Each comparison is made within one run, interleaved over seeds; the seed changes the drawn labels, weights and order,
never the splits (data.split_seed = 0). Printed are mean and standard deviation of the accuracy on the held-out test
split. All parts but `labels` are skipped without ../shared/data.

* mnist: LeNet-5, Fashion-MNIST (all labels, shifted, 6 epochs) -> 4,000 images of MNIST, 101 labelled, 3,000 test.
* fashion: the same from MNIST to Fashion-MNIST.
* hymenoptera: ResNet-9, CIFAR-10 (16 epochs, half an hour of one core) -> ants and bees at 32 x 32, 159 labelled, 199
  test.
* labels: MLP on digits with 1 %, 5 % and 20 % of the labels, after denoising on all training inputs.

Measured: a linear classifier on the second convolution of a Fashion-MNIST network, the best depth on validation data,
outperforms a network from scratch on 101 labelled digits; fine-tuned networks are equal to it or worse. In the other
direction, the first two layers, frozen, are 3 points better on 101 labelled images of clothes. From CIFAR-10 to
photographs of ants and bees, fine-tuning all layers at a tenth of the learning rate outperforms training from scratch;
a new head alone does not. Features learned from the inputs alone outperform it at 1 % and 5 % of the labels of digits.
"""

from __future__ import annotations

import io
import itertools
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

import trainwell as tw
from trainwell.data import read
from trainwell.doctor import advise
from trainwell.explain import depths, linear_probe
from trainwell.fitting.build import build_parts
from trainwell.fitting.plan import gather, plan
from trainwell.recipe.sections import DataRecipe

DATA = Path(__file__).parents[2] / "shared" / "data"
SEEDS = (0, 1, 2)
BRIEF = {"train.checkpoint_seconds": 1e9}
STILL = {"train.patience": 0}


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
    between("fashion-mnist", "mnist", to)


def fashion(to: str) -> None:
    between("mnist", "fashion-mnist", to)


def between(known: str, wanted: str, to: str) -> None:
    """From all labels of one to 101 labels of the other."""
    source = tw.fit(
        str(DATA / known),
        edits={**BRIEF, "nn.model": "lenet5", "data.shift": 2, "train.epochs": 6, **STILL, "data.validation": 0.02},
        runs=to,
    )
    print(f"the source scores {source.scores['test']['accuracy']:.3f} on {known}")
    examples = read(DataRecipe(source=str(DATA / wanted)))
    assert examples.given is not None
    rows = np.flatnonzero(examples.given == 0)[:4000]
    target = Path(to) / f"{wanted}.npz"
    np.savez(target, X=np.asarray(examples.inputs)[rows][..., 0], y=examples.targets[rows])
    few = {**STILL, "transfer.labelled": 0.125, "data.validation": 0.05, "data.test": 0.75}
    few |= {"train.epochs": 60, "train.batch_size": 16}
    start = {"transfer.source": str(source.path)}
    decay = {"optim.weight_decay": 3.0}
    full = {**start, "optim.learning_rate": 2e-3, "transfer.head_rate": 1.0}
    entries: dict[str, Mapping[str, object]] = {
        "from scratch": {"nn.model": "lenet5"},
        "--layers conv2 --freeze conv2": start | {"transfer.layers": "conv2", "transfer.freeze": "conv2"},
        "--layers conv2": start | {"transfer.layers": "conv2"},
        "from scratch, strong decay": {"nn.model": "lenet5", **decay},
        "the first two, strong decay": start | {"transfer.layers": "conv2", "transfer.freeze": "conv2"} | decay,
        "all layers, full rate": full,
        "all layers, a tenth": start,
        "--freeze features": start | {"transfer.freeze": "features"},
    }
    tell(str(target), {**few, **start})
    probe(str(target), {**few, **start})
    race(f"{known} -> {wanted}", str(target), entries, few, to)


def hymenoptera(to: str) -> None:
    from PIL import Image

    with np.load(DATA / "cifar10" / "cifar10_jpeg.npz") as stored:
        blob, ends, labels = stored["train_jpeg"].tobytes(), stored["train_offsets"], stored["train_labels"]
    images = [np.asarray(Image.open(io.BytesIO(blob[i:j]))) for i, j in itertools.pairwise(ends)]
    np.savez(Path(to) / "cifar.npz", X=np.stack(images), y=labels.astype(np.int64))
    learn = {"nn.model": "resnet9", "data.flip": True, "data.shift": 2, "train.epochs": 16, "optim.warmup": 0.15}
    learn |= {**STILL, "task.label_smoothing": 0.1, "data.test": 0.04}
    source = tw.fit(str(Path(to) / "cifar.npz"), edits={**BRIEF, **learn}, runs=to)
    print(f"the source scores {source.scores['test']['accuracy']:.3f} on CIFAR-10")
    # The folder has 37 test photographs by our split, too few to tell anything; all 398 are divided anew.
    examples = read(DataRecipe(source=str(DATA / "hymenoptera"), image_size=32))
    np.savez(Path(to) / "photos.npz", X=np.asarray(examples.inputs), y=np.array(examples.labels)[examples.targets])
    few = {**STILL, "data.validation": 0.1, "data.test": 0.5, "data.flip": True, "data.shift": 2}
    few |= {"train.epochs": 15, "train.batch_size": 32}
    start = {"transfer.source": str(source.path)}
    entries: dict[str, Mapping[str, object]] = {
        "from scratch": {"nn.model": "resnet9", "optim.learning_rate": 0.01},
        "from scratch, three times the rate": {"nn.model": "resnet9", "optim.learning_rate": 0.03},
        "--freeze features": start | {"transfer.freeze": "features"},
        "the same, thawed": start | {"transfer.freeze": "features", "transfer.unfreeze_every": 4},
        "all layers, a tenth": start,
        "--layers residual1": start | {"transfer.layers": "residual1"},
    }
    tell(str(Path(to) / "photos.npz"), {**few, **start})
    probe(str(Path(to) / "photos.npz"), {**few, **start})
    race("CIFAR-10 -> hymenoptera", str(Path(to) / "photos.npz"), entries, few, to)


def probe(data: str, edits: Mapping[str, object]) -> None:
    """Print the test accuracy of a linear classifier on the depth that is best on validation data."""
    for seed in SEEDS:
        made = plan(gather(data, {**edits, "seed": seed, "data.split_seed": 0}))
        parts = build_parts(made)
        assert parts.data.preparation is not None and made.examples.class_numbers is not None
        found = []
        for rows in (made.splits.train, made.splits.validation, made.splits.test):
            inputs = torch.from_numpy(parts.data.preparation.inputs(made.examples.inputs[rows]))
            found.append((depths(parts.model, inputs), torch.from_numpy(made.examples.class_numbers[rows])))
        (train, labels), *judged = found
        scores = {k: [linear_probe((train[k], labels), (x[k], y)) for x, y in judged] for k in train}
        best = max(scores, key=lambda name: scores[name][0])
        print(
            f"seed {seed}: linear classifier on {best}: {scores[best][1]:.3f}; on the input: {scores['input'][1]:.3f}"
        )


def tell(data: str, edits: Mapping[str, object]) -> None:
    advice = advise(data, edits)
    case = advice.case
    print(f"advice: {case.name}, distance {case.distance:.2f}, the table: {case.options or 'all layers'}")
    for way in advice.trials.options:
        print(f"  {way.mean:.3f} after {advice.trials.epochs} epochs: {way.options or 'all layers'}")
    print(f"{advice.recommended.text}", flush=True)


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
    chosen = sys.argv[1:] or ["labels", "mnist", "fashion", "hymenoptera"]
    with tempfile.TemporaryDirectory() as folder:
        for part in chosen:
            if part != "labels" and not DATA.is_dir():
                print(f"{part}: skipped: ../shared/data does not exist")
                continue
            {"mnist": mnist, "fashion": fashion, "hymenoptera": hymenoptera, "labels": labels}[part](folder)
