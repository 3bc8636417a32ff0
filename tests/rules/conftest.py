"""A plain training loop on the digits, watched: what the rules are tested on."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from trainwell.core.batch import Batch
from trainwell.core.contracts.moment import Moment
from trainwell.core.facts import Facts
from trainwell.core.finding import Finding, Severity
from trainwell.core.signals import Signals
from trainwell.probes import standard_probes
from trainwell.rules import diagnose

Build = Callable[[], nn.Module]
Optimise = Callable[[nn.Module], torch.optim.Optimizer]


class Memo:
    """A recorder that keeps everything in memory."""

    def __init__(self) -> None:
        self.signals = Signals()
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def signal(self, name: str, step: int, value: float) -> None:
        self.signals.add(name, step, value=value)

    def event(self, kind: str, detail: Mapping[str, Any]) -> None:
        self.events.append((kind, detail))


@dataclass
class Case:
    """One training: a network, an optimizer, and what is done to the data."""

    build: Build
    optimise: Optimise
    epochs: int = 15
    batch_size: int = 64
    inputs: Callable[[Tensor], Tensor] = field(default=lambda inputs: inputs)
    targets: Callable[[Tensor], Tensor] = field(default=lambda targets: targets)
    after_build: Callable[[nn.Module], object] = field(default=lambda model: None)
    budget: float = 1e3  # Sampled at every step, so that a verdict never depends on the clock.


@dataclass
class Outcome:
    signals: Signals
    facts: Facts
    findings: list[Finding]
    accuracy: float

    @property
    def verdicts(self) -> list[str]:
        return [finding.rule for finding in self.findings if finding.severity is not Severity.INFO]


def run(case: Case) -> Outcome:
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    inputs, targets = torch.tensor(images, dtype=torch.float32), torch.tensor(labels)
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(1))
    inputs, targets = case.inputs((inputs[order] - 4.88) / 6.02), case.targets(targets[order])
    train, held = slice(0, 1257), slice(1257, None)
    model = case.build()
    case.after_build(model)
    optimizer = case.optimise(model)
    memo = Memo()
    probes = standard_probes(memo, budget=case.budget)
    probes.start(model)
    step, accuracy = 0, 0.0
    for _ in range(case.epochs):
        total = 0.0
        for rows in torch.randperm(1257).split(case.batch_size):
            batch = Batch({"inputs": inputs[train][rows], "targets": targets[train][rows]})
            optimizer.zero_grad()
            outputs = model(batch.inputs)
            loss = F.cross_entropy(outputs, batch.targets)
            loss.backward()
            probes.measure(Moment(step, model, optimizer, batch, outputs, loss.detach()))
            optimizer.step()
            total += loss.item() * len(rows)
            step += 1
        accuracy = _evaluate(model, inputs[held], targets=targets[held], memo=memo, step=step - 1)
        memo.signal("loss/train_epoch", step - 1, value=total / 1257)
    probes.stop()
    shares = targets[train].bincount().float() / 1257
    facts = Facts(
        task="classify",
        has_classes=True,
        initial_loss_limits=(3.0, 10.0),
        chance_loss=-(shares[shares > 0] * shares[shares > 0].log()).sum().item(),
        class_counts=tuple(targets[train].bincount().tolist()),
        sizes={"train": 1257, "validation": len(targets[held])},
        epochs=case.epochs,
        steps=step,
    )
    assert not memo.events, memo.events
    return Outcome(memo.signals, facts, diagnose(memo.signals, facts), accuracy)


def _evaluate(model: nn.Module, inputs: Tensor, *, targets: Tensor, memo: Memo, step: int) -> float:
    model.eval()
    with torch.no_grad():
        outputs = model(inputs)
        loss = F.cross_entropy(outputs, targets).item()
        accuracy = (outputs.argmax(1) == targets).float().mean().item()
    model.train()
    memo.signal("loss/validation", step, value=loss if math.isfinite(loss) else math.nan)
    memo.signal("score/validation/accuracy", step, value=accuracy)
    return accuracy


def mlp(*widths: int, activation: Callable[[], nn.Module] = nn.ReLU, norm: bool = False, dropout: float = 0.0) -> Build:
    def build() -> nn.Module:
        layers: list[nn.Module] = []
        before = 64
        for width in widths:
            layers += [nn.Linear(before, width), *([nn.BatchNorm1d(width)] if norm else []), activation()]
            layers += [nn.Dropout(dropout)] if dropout else []
            before = width
        return nn.Sequential(*layers, nn.Linear(before, 10))

    return build


def sgd(rate: float, momentum: float = 0.0, weight_decay: float = 0.0) -> Optimise:
    return lambda model: torch.optim.SGD(model.parameters(), rate, momentum, weight_decay=weight_decay)


def adam(rate: float, weight_decay: float = 0.0) -> Optimise:
    return lambda model: torch.optim.AdamW(model.parameters(), rate, weight_decay=weight_decay)


@pytest.fixture
def lab() -> ModuleType:
    """This module: the parts a test builds its trainings from."""
    return sys.modules[__name__]
