"""Images per second of flip + crop + normalise on CIFAR-10: whole batches against one image at a time.

Claim: at least 3x a per-sample pipeline in a DataLoader, batches of 128.
Command: python benchmarks/augment.py [images]
Hardware: 2 cores.
n: 10,000 images; medians of 5 interleaved rounds.

The per-sample pipeline does what torchvision's transforms do, written with Pillow and torch (`RandomCrop(32,
padding=4)`, `RandomHorizontalFlip`, `ToTensor`, `Normalize`), because torchvision's own wheel does not load with a
CPU-only torch. Kornia applies the same three to whole batches. Skipped without ../shared/data/cifar10; needs the extra
`vision`.
"""

from __future__ import annotations

import io
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from trainwell.core.batch import Batch
from trainwell.data.augment.augmentation import Augment, parse
from trainwell.data.batches import ArrayBatches
from trainwell.data.statistics.normalise import Normalise

SHARED = Path(__file__).parents[2] / "shared" / "data" / "cifar10" / "cifar10_jpeg.npz"
MEAN, STD = np.array([0.4914, 0.4822, 0.4465]), np.array([0.247, 0.2435, 0.2616])
BATCH, ROUNDS = 128, 5


def images(count: int) -> np.ndarray:
    from PIL import Image

    stored = np.load(SHARED)
    data, offsets = stored["train_jpeg"].tobytes(), stored["train_offsets"]
    pairs = zip(offsets[:count], offsets[1 : count + 1], strict=True)
    return np.stack([np.asarray(Image.open(io.BytesIO(data[low:high]))) for low, high in pairs])


class PerSample(Dataset):
    """Images one at a time."""

    def __init__(self, inputs: np.ndarray) -> None:
        from PIL import Image, ImageOps

        self.inputs, self.image, self.ops = inputs, Image, ImageOps
        self.mean = torch.tensor(MEAN, dtype=torch.float32).view(3, 1, 1)
        self.std = torch.tensor(STD, dtype=torch.float32).view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = self.ops.expand(self.image.fromarray(self.inputs[index]), 4)
        left, top = random.randint(0, 8), random.randint(0, 8)
        image = image.crop((left, top, left + 32, top + 32))
        if random.random() < 0.5:
            image = self.ops.mirror(image)
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)
        return tensor.sub_(self.mean).div_(self.std), 0


def batched(inputs: np.ndarray, augment: Callable[[Batch], Batch]) -> Callable[[], None]:
    scale, shift = (1 / (255 * STD)).astype(np.float32), (-MEAN / STD).astype(np.float32)
    source = {"inputs": inputs, "targets": torch.zeros(len(inputs))}
    batches = ArrayBatches(source, batch_size=BATCH, shuffle=True, finish=Normalise(scale, shift))

    def run() -> None:
        for batch in batches.epoch(0):
            augment(batch)

    return run


def kornia_batches(inputs: np.ndarray) -> Callable[[], None]:
    import kornia.augmentation as K

    ways = K.AugmentationSequential(
        K.RandomHorizontalFlip(p=0.5),
        K.RandomCrop((32, 32), padding=4),
        K.Normalize(torch.tensor(MEAN, dtype=torch.float32), torch.tensor(STD, dtype=torch.float32)),
        data_keys=["input"],
    )
    batches = ArrayBatches({"inputs": inputs, "targets": torch.zeros(len(inputs))}, batch_size=BATCH, shuffle=True)

    def run() -> None:
        for batch in batches.epoch(0):
            ways(batch.inputs.permute(0, 3, 1, 2).float() / 255)

    return run


def per_sample(inputs: np.ndarray, workers: int) -> Callable[[], None]:
    loader = DataLoader(PerSample(inputs), batch_size=BATCH, shuffle=True, num_workers=workers)

    def run() -> None:
        for _ in loader:
            pass

    return run


def main() -> None:
    if not SHARED.exists():
        print("skipped: ../shared/data/cifar10 does not exist")
        return
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    inputs = images(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    many = parse(["rotate", "stretch", "shear", "elastic", "colour", "saturation"])
    ways = {
        "trainwell, whole batches": batched(inputs, Augment(shift=4, flip=True)),
        "kornia, whole batches": kornia_batches(inputs),
        "per sample, no worker": per_sample(inputs, 0),
        "per sample, 2 workers": per_sample(inputs, 2),
        "trainwell, six more augmentations": batched(inputs, Augment(shift=4, flip=True, steps=many)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    ours = statistics.median(seconds["trainwell, whole batches"])
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:36} {len(inputs) / median:10,.0f} images/s   trainwell is {median / ours:5.1f}x")


if __name__ == "__main__":
    main()
