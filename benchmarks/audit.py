"""Recall, precision and time of the audit, on data with injected faults.

Claim: recall and precision of at least 95 % for duplicates (shifted by up to 3 pixels, mirrored, re-encoded as JPEG of
    quality 50 to 90) and leakage (duplicates of training examples in the test split; a column equal to the target);
    60,000 images of 28 x 28 in under a minute.
Command: python benchmarks/audit.py [fashion|cifar|table|labels|network ...] [--size N]
Hardware: 2 cores.
n: 60,000 images of Fashion-MNIST, 50,000 of CIFAR-10; one run each.

Skipped without ../shared/data.

Label errors are printed with cleanlab's own figures on CIFAR-10N, aggregate labels (the authors' repository
label-error-detection-benchmarks, experiments/cifar-10n-aggregate, pretrained ResNet-18 fine-tuned in folds): AUROC
0.977, lift at 5,000 of 8.28, which is a precision of 0.746 at a recall of 0.828. Ours is a linear
model on patches, or (network) a small convolutional network in two folds, from scratch.

How duplicates are counted: a reported pair with an injected duplicate is correct if its other image is the source,
another duplicate of it, or was paired with the source in the original data. Pairs among original images have no ground
truth; they are counted separately and do not enter the precision.
"""

from __future__ import annotations

import gzip
import io
import sys
import time
from pathlib import Path

import numpy as np
from trainwell.data.audit.copies import copies

from trainwell.data import from_arrays, read
from trainwell.data.audit.columns import column_findings, numbers
from trainwell.data.audit.label_network import by_network
from trainwell.data.audit.labels import out_of_sample, suspicious_labels
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.splits import Splits
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

SHARED = Path(__file__).parents[2] / "shared" / "data"
PLANTED = 300  # of each kind
RANDOM = np.random.default_rng(0)


def cifar(size: int) -> np.ndarray:
    from PIL import Image

    stored = np.load(SHARED / "cifar10" / "cifar10_jpeg.npz")
    data, offsets = stored["train_jpeg"].tobytes(), stored["train_offsets"]
    pairs = zip(offsets[:size], offsets[1 : size + 1], strict=True)
    return np.stack([np.asarray(Image.open(io.BytesIO(data[low:high]))) for low, high in pairs])


def fashion(size: int) -> tuple[np.ndarray, np.ndarray]:
    folder = SHARED / "fashion-mnist"
    inputs = np.frombuffer(gzip.open(folder / "train-images-idx3-ubyte.gz").read(), np.uint8, offset=16)
    targets = np.frombuffer(gzip.open(folder / "train-labels-idx1-ubyte.gz").read(), np.uint8, offset=8)
    return inputs.reshape(-1, 28, 28, 1)[:size], targets[:size].astype(np.int64)


def shifted(image: np.ndarray) -> np.ndarray:
    y, x = (0, 0)
    while (y, x) == (0, 0):
        y, x = (int(step) for step in RANDOM.integers(-3, 4, 2))
    height, width = image.shape[:2]
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)))
    return padded[3 + y : 3 + y + height, 3 + x : 3 + x + width]


def encoded(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    stream = io.BytesIO()
    drawn = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    drawn.save(stream, "JPEG", quality=int(RANDOM.integers(50, 91)))
    return np.asarray(Image.open(stream)).reshape(image.shape)


CHANGES = {"shifted": shifted, "re-encoded": encoded, "mirrored": lambda image: image[:, ::-1]}


def plant(name: str, images: np.ndarray) -> None:
    """Copies among 60,000 images: the last tenth of the data plays the test split."""
    count = len(images)
    sources = RANDOM.permutation(count)[: PLANTED * len(CHANGES)]
    kinds = np.repeat(list(CHANGES), PLANTED)
    planted = np.stack([CHANGES[kind](images[row]) for kind, row in zip(kinds, sources, strict=True)])
    examples = from_arrays(np.concatenate([images, planted]), np.arange(count + len(planted)) % 2)
    started, busy = time.perf_counter(), time.process_time()
    found = {pair[:2] for pair in copies(examples)}
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    natural = {pair for pair in found if pair[1] < count}
    source_of = {count + number: int(row) for number, row in enumerate(sources)}
    right = wrong = 0
    for first, second in found - natural:
        ends = source_of.get(first, first), source_of[second]
        if ends[0] == ends[1] or (min(ends), max(ends)) in natural:
            right += 1
        else:
            wrong += 1
    for kind in CHANGES:
        rows = np.flatnonzero(kinds == kind)
        hit = sum((int(sources[row]), count + int(row)) in found for row in rows)
        print(f"{name:9} {kind:11} recall {hit / len(rows):.3f} of {len(rows)}")
    hits = sum((row, copy) in found for copy, row in source_of.items())
    print(
        f"{name:9} {'all':11} recall {hits / len(sources):.3f}, precision {right / max(1, right + wrong):.3f}", end="; "
    )
    print(f"{len(natural):,} natural pairs among {count:,}; {seconds:.0f} s ({busy:.0f} s of processor)")
    test = {copy for copy in source_of if copy % 2}  # half of the copies lie in the test split: leaks
    leaks = [pair for pair in found if (pair[0] in test) != (pair[1] in test)]
    true = [pair for pair in leaks if source_of.get(pair[0], pair[0]) == source_of.get(pair[1], pair[1])
            or pair[1] < count]  # fmt: skip
    caught = {pair[1] for pair in leaks} & test
    print(f"{name:9} {'leaks':11} recall {len(caught) / len(test):.3f}, precision {len(true) / max(1, len(leaks)):.3f}")


def tables() -> None:
    """Rows copied with rounding, and columns that are the target in disguise, in real tables."""
    hit = leaks = right = false_leaks = shown = 0
    for file, target in (
        ("diamonds.csv", "cut"),
        ("winequality-white.csv", ""),
        ("phoneme.csv", ""),
        ("abalone.csv", ""),
    ):
        examples = read(DataRecipe(source=str(SHARED / "tabular" / file), target=target))
        assert isinstance(examples.inputs, Table)
        rows = RANDOM.permutation(len(examples))[:200]
        columns = {}
        for name, values in examples.inputs.columns.items():
            again = values[rows]
            if values.dtype != object:
                again = again * (1 + 1e-6 * RANDOM.normal(size=len(rows)))
            columns[name] = np.concatenate([values, again])
        more = _table(examples, columns, np.concatenate([examples.targets, examples.targets[rows]]))
        natural = {pair[:2] for pair in copies(examples)}
        found = {pair[:2] for pair in copies(more)} - natural
        count = len(examples)
        hit += sum((int(row), count + number) in found for number, row in enumerate(rows))
        for first, second in found:
            ends = sorted((int(rows[first - count]) if first >= count else first, int(rows[second - count])))
            right += ends[0] == ends[1] or tuple(ends) in natural
        shown += len(found)
        clean = _leaking(examples)
        false_leaks += len(clean)
        noisy = examples.targets + 0.01 * RANDOM.normal(size=len(examples))
        for disguise in (3.0 - 2.0 * examples.targets.astype(np.float64), noisy):
            spoilt = {**examples.inputs.columns, "disguise": disguise}
            leaks += _leaking(_table(examples, spoilt, examples.targets)) - clean == {"disguise"}
    print(f"tables    copies      recall {hit / 800:.3f}, precision {right / shown:.3f} ({shown} pairs)")
    print(f"tables    leaks       recall {leaks / 8:.3f}, {false_leaks} columns of the untouched tables said to leak")


def _table(like: Examples, columns: dict[str, np.ndarray], targets: np.ndarray) -> Examples:
    ids = tuple(map(str, range(len(targets))))
    return Examples(
        like.name, KINDS["table"], Table(columns), targets, like.target_type, ids, like.labels, tuple(columns)
    )


def _leaking(examples: Examples) -> set[str]:
    nothing = np.arange(0)
    splits = Splits(np.arange(len(examples)), nothing, nothing)
    found = [finding for finding in column_findings(examples, splits, columns=numbers(examples))]
    return {name for finding in found if finding.rule == "leaking_column" for name in finding.where}


def labels(size: int) -> None:
    from sklearn.metrics import roc_auc_score

    images, clean = fashion(size)
    wrong = RANDOM.random(len(clean)) < 0.05
    given = np.where(wrong, (clean + RANDOM.integers(1, 10, len(clean))) % 10, clean)
    _judge("fashion, 5 % planted", from_arrays(images, given), wrong)
    stored = np.load(SHARED / "cifar10-human-labels" / "cifar10n_train.npz")
    images = cifar(size)
    for noise in ("aggre_label", "worse_label"):
        given = stored[noise][: len(images)].astype(np.int64)
        wrong = given != stored["clean_label"][: len(images)]
        examples = from_arrays(images, given)
        _judge(f"cifar10n {noise}", examples, wrong)
        probabilities = out_of_sample(examples, np.arange(len(given)), targets=given)
        score = roc_auc_score(wrong, 1 - probabilities[np.arange(len(given)), given])
        clean = stored["clean_label"][: len(given)]
        accuracy = (probabilities.argmax(1) == clean).mean()
        print(f"  out-of-fold accuracy against the clean labels {accuracy:.3f}, AUROC {score:.3f}")
    wine = read(DataRecipe(source=str(SHARED / "tabular" / "letter-recognition.data"), target="0"))
    wrong = RANDOM.random(len(wine)) < 0.05
    given = np.where(wrong, (wine.targets + RANDOM.integers(1, 26, len(wine))) % 26, wine.targets)
    assert isinstance(wine.inputs, Table)
    _judge("letter-recognition, 5 % planted", _table(wine, dict(wine.inputs.columns), given), wrong)


def network(size: int) -> None:
    """CIFAR-10N, aggregate labels, judged by a small network: nine minutes of processor time for 50,000."""
    from sklearn.metrics import roc_auc_score

    stored = np.load(SHARED / "cifar10-human-labels" / "cifar10n_train.npz")
    images = cifar(size)
    given = stored["aggre_label"][: len(images)].astype(np.int64)
    clean = stored["clean_label"][: len(images)]
    busy = time.process_time()
    probabilities = by_network(images, np.arange(len(given)), targets=given)
    busy = time.process_time() - busy
    own, wrong = probabilities[np.arange(len(given)), given], given != clean
    first = np.argsort(own)[: len(given) // 10]
    print(f"network   accuracy {(probabilities.argmax(1) == clean).mean():.3f} against the clean labels, AUROC "
          f"{roc_auc_score(wrong, -own):.3f}; among the first tenth precision {wrong[first].mean():.3f}, recall "
          f"{wrong[first].sum() / wrong.sum():.3f}; {busy:.0f} s of processor")  # fmt: skip


def _judge(name: str, examples: Examples, wrong: np.ndarray) -> None:
    started = time.perf_counter()
    suspects, agreement, contradicted = suspicious_labels(examples)
    found = np.array([suspect.index for suspect in suspects], dtype=np.int64)
    hits = wrong[found].sum()
    share = f"precision {hits / max(1, len(found)):.3f}, recall {hits / wrong.sum():.3f}"
    first = wrong[found[: int(wrong.sum())]].mean()
    print(f"labels    {name}: {share} ({len(found):,} suspected of {wrong.sum():,} wrong), among as many first "
          f"{first:.3f}, the judge agrees with {agreement:.3f}, surely contradicts {contradicted:.3f}; "
          f"{time.perf_counter() - started:.0f} s")  # fmt: skip


def main() -> None:
    if not SHARED.exists():
        print("skipped: ../shared/data does not exist")
        return
    arguments = sys.argv[1:]
    size = int(arguments.pop(arguments.index("--size") + 1)) if "--size" in arguments else 60_000
    parts = [part for part in arguments if part != "--size"] or ["fashion", "cifar", "table", "labels"]
    if "fashion" in parts:
        plant("fashion", fashion(size)[0])
    if "cifar" in parts:
        plant("cifar", cifar(min(size, 50_000)))
    if "table" in parts:
        tables()
    if "labels" in parts:
        labels(min(size, 50_000))
    if "network" in parts:
        network(min(size, 50_000))


if __name__ == "__main__":
    main()
