"""Small real jobs that the tests of the loop train."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from trainwell.core.signals import Signals
from trainwell.data.batches import ArrayBatches
from trainwell.nn import initialise
from trainwell.optim import optimizer, schedule
from trainwell.recipe.sections import OptimRecipe
from trainwell.tasks import Classify
from trainwell.train import Average, Interrupt, Job, State, Update, Upkeep, train


@dataclass
class Notes:
    """A recorder that keeps everything in memory."""

    signals: Signals = field(default_factory=Signals)
    events: list[tuple[str, dict]] = field(default_factory=list)
    scores: list[tuple] = field(default_factory=list)

    def signal(self, name, step, value):
        self.signals.add(name, step, value)

    def event(self, kind, detail):
        self.events.append((kind, dict(detail)))

    def score(self, epoch, step, split, scores):
        self.scores.append((epoch, step, split, dict(scores)))

    def flush(self):
        pass

    def progress(self, steps):
        pass

    def flush_if_due(self):
        pass


class Shown:
    """A display that remembers the epochs it was shown."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def say(self, sentence): ...

    def start(self, facts, step): ...

    def step(self, step, epoch): ...

    def epoch(self, epoch, numbers, best):
        self.rows.append({"epoch": epoch, "best": best, **numbers})

    def stop(self): ...


@dataclass
class Session:
    """One process's worth of a run: built objects that can train, save and restore."""

    job: Job
    upkeep: Upkeep
    state: State
    notes: Notes

    def run(self, steps: int | None = None) -> Session:
        """Train; stop hard after so many steps, as a crash would."""
        self.upkeep.complete(self.state)
        for moment in train(self.job, self.state):
            if moment.step == steps:  # `steps` steps are complete, and the next one has begun
                break
        return self

    def resume(self) -> Session:
        self.state, self.skipped = self.upkeep.restore()
        return self

    def digest(self) -> str:
        """SHA-256 of every number the run's future depends on, and of what it recorded."""
        sha = hashlib.sha256()
        tensors = dict(self.job.model.state_dict())
        for index, entry in self.job.optimizer.state_dict()["state"].items():
            tensors |= {f"optim/{index}/{key}": torch.as_tensor(value) for key, value in entry.items()}
        if self.upkeep.average:
            tensors |= {f"average/{i}": tensor for i, tensor in enumerate(self.upkeep.average.weights)}
        tensors |= {f"best/{name}": tensor for name, tensor in (self.upkeep.best or {}).items()}
        for name in sorted(tensors):
            sha.update(name.encode() + tensors[name].contiguous().numpy().tobytes())
        return sha.hexdigest()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(4 * 36, 3)

    def forward(self, x):
        return self.head(self.dropout(torch.relu(self.norm(self.conv(x)))).flatten(1))


def jitter(batch):
    """An augmentation: what it draws must be a function of (seed, epoch, step)."""
    flipped = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.inputs.flip(3), batch.inputs)
    return batch.replace(inputs=flipped + 0.1 * torch.randn_like(flipped))


def pictures(count: int) -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, count)
    inputs = rng.normal(size=(count, 1, 8, 8)).astype(np.float32)
    inputs[np.arange(count), 0, targets * 2, targets * 2] += 3
    return {"inputs": torch.from_numpy(inputs), "targets": torch.from_numpy(targets)}


@pytest.fixture
def make(tmp_path: Path):
    def build(folder: str = "run", **choices: Any) -> Session:
        options = dict(
            epochs=3, batch_size=16, seed=0, ema=0.9, clip_norm=1.0, workers=0, patience=0, checkpoint_seconds=0.0,
            learning_rate=0.01, optim="adamw", count=75, interrupt=Interrupt(), augment=True, micro_batch=0, model=None,
        )  # fmt: skip
        assert choices.keys() <= options.keys()
        options |= choices
        data, seed = pictures(options["count"]), options["seed"]
        model = options["model"] or Net()
        if options["model"] is None:
            initialise(model, "he_normal", seed=seed)
        recipe = OptimRecipe(name=options["optim"], learning_rate=options["learning_rate"])
        built = optimizer(model, recipe)
        average = Average(model, options["ema"]) if options["ema"] else None
        update = Update(model, built, clip_norm=options["clip_norm"], average=average)
        batches = ArrayBatches(
            data, batch_size=options["batch_size"], seed=seed, shuffle=True, workers=options["workers"]
        )
        validation = ArrayBatches(pictures(30), batch_size=30)
        notes = Notes()
        (tmp_path / folder).mkdir(exist_ok=True)
        task = Classify(classes=3)
        upkeep = Upkeep(
            model=model, task=task, optimizer=built, update=update, recorder=notes, folder=tmp_path / folder,
            validation=validation, sample=validation, average=average, interrupt=options["interrupt"],
            device=torch.device("cpu"), patience=options["patience"],
            checkpoint_seconds=options["checkpoint_seconds"], display=Shown(),
        )  # fmt: skip
        job = Job(
            model=model.train(), task=task, optimizer=built,
            rate=schedule(recipe, steps=options["epochs"] * len(batches), epochs=options["epochs"]),
            batches=batches, epochs=options["epochs"], seed=seed, device=torch.device("cpu"),
            prepare=jitter if options["augment"] else lambda batch: batch, update=update, after_step=upkeep,
        )  # fmt: skip
        return Session(job, upkeep, State(micro_batch=options["micro_batch"]), notes)

    return build
