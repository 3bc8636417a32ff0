"""Test accuracy after a fixed time with default settings, compared with the examples of Keras and Lightning.

Claim: Fashion-MNIST at least 92 % in 5 minutes and CIFAR-10 (lossy JPEG) at least 85 % in 15 minutes, each higher than
    the peers' examples in the same time.
Command: python benchmarks/accuracy.py [fashion|cifar] [trainwell|keras|lightning|all] [seeds] [minutes]
Hardware: 2 cores.
n: 1 seed unless given; 3 or 4 for the numbers below.

All train on the same images and are evaluated on the same 10,000 test images. To be independent of other load, time is
CPU time: 2 cores x 60 s per minute, on one thread. trainwell plans its epochs as `fit --minutes` does, by that clock;
the peers stop when their time is used up. Skipped without ../shared/data.

Peers, with their own settings except for the number of epochs:
* keras, fashion: the "simple MNIST convnet" of its examples (Adam, batches of 128).
* keras, cifar: `cifar10_cnn.py` of its examples (RMSprop at 1e-4, batches of 32, flips and shifts by a tenth).
* lightning, fashion: LitMNIST of its first tutorial (64-64, Adam at 2e-4, batches of 64).
* lightning, cifar: its "94 %" tutorial (ResNet-18 with a 3 x 3 stem, one cycle of SGD, batches of 64, flip and crop);
  the cycle is as long as the steps that fit.
Measured: Fashion-MNIST 0.929, 0.930 and 0.933 (Keras 0.903, Lightning 0.886), CIFAR-10 0.859, 0.854, 0.857 and 0.860
(Keras 0.621, Lightning 0.495).
"""

from __future__ import annotations

import gzip
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

import trainwell as tw
from trainwell.fitting.fit import understand
from trainwell.fitting.time_budget import in_time
from trainwell.nn.zoo.resnet import resnet
from trainwell.recipe import flatten

DATA = Path(__file__).parents[2] / "shared" / "data"
MINUTES = {"fashion": 5.0, "cifar": 15.0}
AIM = {"fashion": 0.92, "cifar": 0.85}
CORES = 2
_SPARE = 0.92  # of Lightning's time is planned, as `fit --minutes` does

Images = tuple[np.ndarray, np.ndarray]


def fashion() -> tuple[Images, Images]:
    """Return training and test images (N, 28, 28, 1) with their classes."""

    def read(name: str, skip: int, shape: tuple[int, ...]) -> np.ndarray:
        raw = gzip.decompress((DATA / "fashion-mnist" / f"{name}-ubyte.gz").read_bytes())
        return np.frombuffer(raw, np.uint8, offset=skip).reshape(shape)

    sets = [
        (read(f"{n}-images-idx3", 16, (-1, 28, 28, 1)), read(f"{n}-labels-idx1", 8, (-1,))) for n in ("train", "t10k")
    ]
    return sets[0], sets[1]


def cifar() -> tuple[Images, Images]:
    """Return training and test images (N, 32, 32, 3) with their classes."""
    from PIL import Image

    packed = np.load(DATA / "cifar10" / "cifar10_jpeg.npz")
    sets = []
    for name in ("train", "test"):
        raw, at = packed[f"{name}_jpeg"].tobytes(), packed[f"{name}_offsets"]
        decoded = [np.asarray(Image.open(io.BytesIO(raw[i:j]))) for i, j in zip(at, at[1:], strict=False)]
        sets.append((np.stack(decoded), packed[f"{name}_labels"]))
    return sets[0], sets[1]


def by_trainwell(train: Images, test: Images, minutes: float, seed: int) -> tuple[float, str]:
    edits = {"train.minutes": CORES * minutes, "seed": seed, "data.test": 0.0, "train.threads": 1}
    planned = in_time(understand(train, None, changes=edits), clock=time.process_time).recipe
    recipe = dict(flatten(planned))
    recipe.pop("data.source")
    with tempfile.TemporaryDirectory() as runs:
        run = tw.fit(train, edits=recipe, runs=runs)
        answers = np.asarray([int(one) for one in tw.predict(run, test[0]).values])
    return float((answers == test[1]).mean()), f"{planned.nn.model}, {planned.train.epochs} epochs"


def by_keras(train: Images, test: Images, minutes: float, seed: int) -> tuple[float, str]:
    import keras
    from keras import layers

    keras.utils.set_random_seed(seed)
    shape = train[0].shape[1:]
    if shape[-1] == 1:
        model = keras.Sequential([
            keras.Input(shape), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ])  # fmt: skip
        optimizer, size = keras.optimizers.Adam(), 128
    else:
        model = keras.Sequential([
            keras.Input(shape),
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"), layers.RandomFlip("horizontal"),
            layers.Conv2D(32, 3, padding="same", activation="relu"), layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(), layers.Dropout(0.25), layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), layers.Dropout(0.25), layers.Flatten(),
            layers.Dense(512, activation="relu"), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
        ])  # fmt: skip
        optimizer, size = keras.optimizers.RMSprop(1e-4), 32
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    until = time.process_time() + 60 * CORES * minutes

    class Stop(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            self.model.stop_training = time.process_time() > until

    inputs = train[0].astype("float32") / 255
    seen = model.fit(inputs, train[1].astype("int64"), batch_size=size, epochs=1000, verbose=0, callbacks=[Stop()])
    answers = np.asarray(model.predict(test[0].astype("float32") / 255, verbose=0)).argmax(1)
    return float((answers == test[1]).mean()), f"{len(seen.epoch)} epochs, the last cut short"


class Cropped(Dataset[tuple[Tensor, Tensor]]):
    """Images flipped and cropped one by one, as torchvision's transforms do."""

    def __init__(self, images: Tensor, targets: Tensor) -> None:
        self.images, self.targets = F.pad(images, (4, 4, 4, 4)), targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        row, column, mirrored = torch.randint(9, (2,)).tolist() + [bool(torch.rand(()) < 0.5)]
        image = self.images[number, :, row : row + 32, column : column + 32]
        return image.flip(-1) if mirrored else image, self.targets[number]


def by_lightning(train: Images, test: Images, minutes: float, seed: int) -> tuple[float, str]:
    import lightning
    from lightning.pytorch.callbacks import LambdaCallback

    lightning.seed_everything(seed, verbose=False)
    grey = train[0].shape[-1] == 1
    mean, deviation = (0.1307, 0.3081) if grey else (train[0].mean((0, 1, 2)) / 255, train[0].std((0, 1, 2)) / 255)

    def prepared(raw: np.ndarray) -> Tensor:
        floats = (raw.astype("float32") / 255 - np.float32(mean)) / np.float32(deviation)
        return torch.from_numpy(np.ascontiguousarray(floats.transpose(0, 3, 1, 2)))

    network: nn.Module
    if grey:
        dense = [nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1)]
        network = nn.Sequential(nn.Flatten(), *dense, nn.Linear(64, 10))
    else:
        network = resnet(depth=18, input_shape=(3, 32, 32), outputs=10)
        network.conv = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        network.pool = nn.Identity()
    images, targets = prepared(train[0]), torch.from_numpy(train[1].astype("int64"))
    data: Dataset[tuple[Tensor, ...]] = TensorDataset(images, targets) if grey else Cropped(images, targets)
    seconds = 60 * CORES * minutes
    steps = 1
    if not grey:
        probe = (images[:64], targets[:64])
        optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
        spent = []
        for _ in range(4):
            started = time.process_time()
            F.cross_entropy(network(probe[0]), probe[1]).backward()
            optimizer.step()
            spent.append(time.process_time() - started)
        network.zero_grad()
        steps = int(_SPARE * seconds / statistics.median(spent))

    class Lit(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
            return F.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self) -> object:
            if grey:
                return torch.optim.Adam(self.parameters(), lr=2e-4)
            sgd = torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
            cycle = torch.optim.lr_scheduler.OneCycleLR(sgd, 0.1, total_steps=steps + 1)
            return {"optimizer": sgd, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}

    until = time.process_time() + seconds

    def stop(trainer: lightning.Trainer, *_: object) -> None:
        trainer.should_stop = time.process_time() > until

    shows = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = lightning.Trainer(
        max_epochs=10_000 if grey else -1, max_steps=-1 if grey else steps, accelerator="cpu", min_epochs=0,
        callbacks=[LambdaCallback(on_train_batch_end=stop)], **dict.fromkeys(shows, False),
    )  # fmt: skip
    trainer.fit(Lit(), DataLoader(data, batch_size=64, shuffle=True))
    network.eval()
    with torch.no_grad():
        answers = torch.cat([network(part).argmax(1) for part in prepared(test[0]).split(500)]).numpy()
    return float((answers == test[1]).mean()), f"{trainer.global_step * 64 / len(targets):.1f} epochs"


BY: dict[str, Callable[[Images, Images, float, int], tuple[float, str]]] = {
    "trainwell": by_trainwell, "keras": by_keras, "lightning": by_lightning,
}  # fmt: skip


def main(name: str, wanted: str, seeds: int, minutes: float) -> None:
    if not DATA.is_dir():
        print("skipped: ../shared/data does not exist")
        return
    torch.set_num_threads(1)
    train, test = (fashion if name == "fashion" else cifar)()
    means = {}
    for who in BY if wanted == "all" else [wanted]:
        found = []
        for seed in range(seeds):
            begun = time.process_time()
            accuracy, what = BY[who](train, test, minutes, seed)
            found.append(accuracy)
            spent = (time.process_time() - begun) / 60 / CORES
            print(
                f"{name:<8} {who:<10} seed {seed}: test {accuracy:.4f} ({what}; {spent:.1f} minutes of {CORES} cores)",
                flush=True,
            )
        means[who] = statistics.fmean(found)
        print(
            f"{name:<8} {who:<10} mean of {seeds}: {means[who]:.4f}, {min(found):.4f} to {max(found):.4f}", flush=True
        )
    if "trainwell" in means:
        holds = means["trainwell"] >= AIM[name] and max(means, key=lambda who: means[who]) == "trainwell"
        print(f"aim {AIM[name]:.0%}: {'the claim holds' if holds else 'THE CLAIM DOES NOT HOLD'}")


if __name__ == "__main__":
    given = sys.argv[1:]
    chosen = given[0] if given else "fashion"
    main(
        chosen,
        given[1] if len(given) > 1 else "all",
        int(given[2]) if len(given) > 2 else 1,
        float(given[3]) if len(given) > 3 else MINUTES[chosen],
    )
