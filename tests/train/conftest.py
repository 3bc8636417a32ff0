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
from trainwell.train import (
    AfterStep,
    Average,
    BestWeights,
    Checkpoints,
    Contents,
    EarlyStopping,
    EpochEnd,
    Evaluation,
    Feed,
    Interrupt,
    Job,
    Optimization,
    Plateau,
    State,
    Update,
    clip_norm,
    train,
)


@dataclass
class Notes:
    """A recorder that keeps everything in memory."""

    signals: Signals = field(default_factory=Signals)
    events: list[tuple[str, dict]] = field(default_factory=list)
    scores: list[tuple] = field(default_factory=list)

    def signal(self, name, step, value):
        self.signals.add(name, step, value=value)

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
    after_step: AfterStep
    state: State
    notes: Notes

    def run(self, steps: int | None = None) -> Session:
        """Train; stop hard after so many steps, as a crash would."""
        self.after_step.complete(self.state)
        for moment in train(self.job, self.state):
            if moment.step == steps:  # `steps` steps are complete, and the next one has begun
                break
        return self

    def resume(self) -> Session:
        self.state, self.skipped = self.checkpoints.restore(device=self.job.device)
        return self

    @property
    def checkpoints(self) -> Checkpoints:
        return self.after_step.checkpoints

    @property
    def best(self) -> BestWeights:
        return self.after_step.epoch_end.best

    def digest(self) -> str:
        """SHA-256 of every number the run's future depends on, and of what it recorded."""
        sha = hashlib.sha256()
        tensors = dict(self.job.model.state_dict())
        for index, entry in self.job.optimization.optimizer.state_dict()["state"].items():
            tensors |= {f"optim/{index}/{key}": torch.as_tensor(value) for key, value in entry.items()}
        if average := self.checkpoints.contents.average:
            tensors |= {f"average/{i}": tensor for i, tensor in enumerate(average.weights)}
        tensors |= {f"best/{name}": tensor for name, tensor in (self.best.weights or {}).items()}
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


def images(count: int) -> dict[str, torch.Tensor]:
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
            plateau=None,
        )  # fmt: skip
        assert choices.keys() <= options.keys()
        options |= choices
        data = images(options["count"])
        seed = options["seed"]
        model = options["model"] or Net()
        if options["model"] is None:
            initialise(model, "he_normal", seed=seed)
        recipe = OptimRecipe(name=options["optim"], learning_rate=options["learning_rate"])
        built = optimizer(model, recipe, learning_rate=recipe.learning_rate)
        average = Average(model, options["ema"]) if options["ema"] else None
        limit = options["clip_norm"]
        update = Update(
            model,
            built,
            transforms=[clip_norm(limit)] if limit else [],
            afterwards=[average.update] if average else [],
        )
        batches = ArrayBatches(
            data, batch_size=options["batch_size"], seed=seed, shuffle=True, workers=options["workers"]
        )
        notes, task, interrupt, cpu = Notes(), Classify(classes=3), options["interrupt"], torch.device("cpu")
        (tmp_path / folder).mkdir(exist_ok=True)
        validation = ArrayBatches(images(30), batch_size=30)
        best = BestWeights(model, score="accuracy")
        stop = EarlyStopping(patience=options["patience"], score="accuracy")
        epoch_end = EpochEnd(
            Evaluation(
                model,
                task,
                splits={"train": validation, "validation": validation},
                average=average,
                check=interrupt.check,
            ),
            best,
            optimizer=built,
            unless_better=[Plateau(**options["plateau"]), stop] if options["plateau"] else [stop],
            check=update.guard.raise_if_bad,
            recorder=notes,
            display=Shown(),
        )
        checkpoints = Checkpoints(
            tmp_path / folder,
            Contents(model, built, best, average),
            recorder=notes,
            check=update.guard.raise_if_bad,
            seconds=options["checkpoint_seconds"],
        )
        after_step = AfterStep(epoch_end, checkpoints, interrupt=interrupt, recorder=notes)
        rate = schedule(recipe, steps=options["epochs"] * len(batches), epochs=options["epochs"])
        job = Job(
            model=model.train(),
            task=task,
            feed=Feed(batches, cpu, jitter if options["augment"] else lambda batch: batch),
            optimization=Optimization(built, rate, update),
            epochs=options["epochs"],
            seed=seed,
            after_step=after_step,
        )
        return Session(job, after_step, State(micro_batch=options["micro_batch"]), notes)

    return build
