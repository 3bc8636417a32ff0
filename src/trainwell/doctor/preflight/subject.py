"""What a check works on: copies of the network, a few examples, and short trainings."""

from __future__ import annotations

import copy
import dataclasses
import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import Outputs, main_output
from trainwell.core.finding import Finding, Severity
from trainwell.fitting.parts import Parts
from trainwell.nn import ClassicDropout, DropConnect, StochasticPool2d
from trainwell.optim import needs_closure
from trainwell.optim import optimizer as build_optimizer
from trainwell.train import choose_device

# At most so many training examples, batches and bytes of inputs are read.
_MOST_EXAMPLES = 1500
_MOST_BATCHES = 100
_MOST_BYTES = 1 << 26
_BATCH = 32  # examples in a batch of the checks: larger batches only take time
_FEW = 10
_RAMP = 20  # steps over which the learning rate rises
_WARMED = 5  # steps after which weights that were set to zero on purpose have changed: docs/references.md, T7 and T18
_RANDOM = (_DropoutNd, ClassicDropout, DropConnect, StochasticPool2d)  # layers that draw random numbers

Make = Callable[[nn.Module], Optimizer]


class CheckResult(NamedTuple):
    """The result of a check.

    Args:
        measured: the number; None if it could not be measured.
        expected: what it should be, as text.
        findings: what is wrong, if anything.
        note: why nothing was measured.
        unit: "bytes" or "seconds"; empty for a plain number.
    """

    measured: float | None
    expected: str
    findings: tuple[Finding, ...] = ()
    note: str = ""
    unit: str = ""


class ShortTraining(NamedTuple):
    """The result of a short training on ten examples.

    Args:
        known: fraction of the examples that are predicted correctly, or of the targets' variance that is explained.
        ended: whether there was time for all steps.
        loss: last loss over the first one (or over that at chance level, if larger).
    """

    known: float
    ended: bool
    loss: float


@dataclass(frozen=True)
class Check:
    """One check and its result.

    Args:
        name: name of the check.
        title: what should hold, one sentence.
        result: its result.
    """

    name: str
    title: str
    result: CheckResult

    @property
    def passed(self) -> bool | None:
        """Tell whether it holds; None if it was not checked. A hint is no failure."""
        if self.result.measured is None and not self.result.findings:
            return None
        return all(finding.severity is Severity.INFO for finding in self.result.findings)

    @property
    def verdict(self) -> str:
        """The result in a word or two.

        >>> Check("name", "title", CheckResult(0.0, "0", (Finding("rule", Severity.WARNING, "title"),))).verdict
        'warning'
        """
        if self.passed is None:
            return "not checked"
        return min((str(finding.severity) for finding in self.result.findings), key=_SEVERITIES.index, default="ok")


_SEVERITIES = [*map(str, Severity)]


@final
class PreflightSubject:
    """A network to be checked before training. Checks work on copies: the network itself is never called.

    Args:
        parts: the built run.
        optimizer: the user's own; None builds that of the recipe.
    """

    def __init__(self, parts: Parts, optimizer: Optimizer | None = None) -> None:
        self.parts = parts
        self.task = parts.task
        self.facts = parts.facts
        self.recipe = parts.recipe
        self.optimizer = optimizer
        self.device = choose_device(parts.recipe.train.device)

    @functools.cached_property
    def seen(self) -> Batch:
        """Training examples in the order of training, at most 1,500, 100 batches or 64 MiB."""
        batches: list[Batch] = []
        for batch in self.parts.data.train.epoch(0):
            batches.append(batch)
            held = sum(one.inputs.nbytes for one in batches)
            if sum(map(len, batches)) >= _MOST_EXAMPLES or len(batches) >= _MOST_BATCHES or held >= _MOST_BYTES:
                break
        alike = [batch for batch in batches if batch.inputs.shape[1:] == batches[0].inputs.shape[1:]]
        names = batches[0].names()
        return Batch({name: torch.cat([batch[name] for batch in alike]) for name in names}).to(self.device)

    @functools.cached_property
    def few(self) -> Batch:
        """Ten different examples, of as many classes as possible."""
        pool = self.seen.slice(0, 256)
        count: dict[object, int] = {}
        turn = []
        given = set()
        for number, (target, inputs) in enumerate(zip(pool.targets.tolist(), pool.inputs.flatten(1), strict=True)):
            key = hash(inputs.cpu().numpy().tobytes())
            if key not in given:
                given.add(key)
                kind = str(target)
                turn.append((count.setdefault(kind, 0), number))
                count[kind] += 1
        chosen = torch.tensor([number for _, number in sorted(turn)[:_FEW]], device=self.device)
        return Batch({name: pool[name].index_select(0, chosen) for name in pool.names()})

    def copy(self, *, training: bool = False) -> nn.Module:
        """Return a copy of the network in eval mode, or in train mode without dropout."""
        return self._ready(copy.deepcopy(self.parts.model), training)

    def pair(self) -> tuple[nn.Module, Optimizer]:
        """Return a copy of the network, in train mode without dropout, with a copy of its optimizer."""
        if self.optimizer is None:
            model = self.copy(training=True)
            optim = self.recipe.optim
            built = build_optimizer(model, self.recipe, learning_rate=optim.learning_rate)
            if needs_closure(built):  # short trainings here call step() alone, on single batches
                built = build_optimizer(model, dataclasses.replace(optim, name="adamw"), learning_rate=1e-3)
            return model, built
        model, own = copy.deepcopy((self.parts.model, self.optimizer))
        return self._ready(model, True), own

    def answer(self, model: nn.Module, batch: Batch) -> Outputs:
        """Return what a network says to a batch, without gradients."""
        with torch.no_grad():
            return self.task.forward(model, batch)

    def main_output(self, model: nn.Module, batch: Batch) -> Tensor:
        """Return the main tensor of what a network says to a batch, without gradients."""
        return main_output(self.answer(model, batch))

    def step(self, model: nn.Module, optimizer: Optimizer, *, batch: Batch) -> float:
        """Take one step of training and return the loss before it."""
        optimizer.zero_grad()
        loss = self.task.loss(self.task.forward(model, batch), batch)
        torch.autograd.backward(loss)
        optimizer.step()
        return loss.item()

    @functools.cached_property
    def warmed(self) -> nn.Module:
        """A copy of the network after five steps."""
        model, optimizer = self.pair()
        for batch, _ in zip(self.batches(), range(_WARMED), strict=False):
            self.step(model, optimizer, batch=batch)
        return model.eval()

    def batches(self, size: int = _BATCH) -> Iterator[Batch]:
        """Yield batches from what was seen, again and again; at most as large as the planned ones."""
        size = min(size, self.facts.batch_size or size, len(self.seen))
        while True:
            yield from (part for part, _ in self.seen.parts(size) if len(part) == size)

    def learn_few(self, make: Make | None, *, steps: int, seconds: float) -> ShortTraining:
        """Train a copy on the ten examples until it predicts them correctly.

        Args:
            make: builds an optimizer; None uses the planned one at its highest learning rate.
            steps: largest number of steps.
            seconds: largest time.
        """
        if make is None:
            model, optimizer = self.pair()
        else:
            optimizer = make(model := self.copy(training=True))
        enough = 0.95 if self.task.is_numeric else 1 - 1e-6
        rates = [group["lr"] for group in optimizer.param_groups]
        losses: list[float] = []
        known = 0.0
        started = time.monotonic()
        for number in range(1, steps + 1):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, number / _RAMP)
            losses.append(self.step(model, optimizer, batch=self.few))
            if number % 10 == 0:
                known = self.task.known_fraction(self.answer(model, self.few), self.few)
                late = time.monotonic() - started > seconds
                if known >= enough or late or not math.isfinite(losses[-1]):
                    break
        ended = number == steps or known >= enough or not math.isfinite(losses[-1])
        return ShortTraining(known, ended, losses[-1] / max(losses[0], self.facts.chance_loss or 0.0))

    def _ready(self, model: nn.Module, training: bool) -> nn.Module:
        model.to(self.device).train(training)
        for module in model.modules():
            if isinstance(module, _RANDOM):
                module.eval()
        return model
