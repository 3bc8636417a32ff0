"""Checks of memory and time."""

from __future__ import annotations

import itertools
import statistics
import time

from trainwell.core.batch import facts_of
from trainwell.core.finding import Finding, Severity
from trainwell.cost import free_bytes, training_memory
from trainwell.doctor.preflight.subject import CheckResult, PreflightSubject

_STEPS = 12
_SECONDS = 1.5
_WARM_UP = 2
_SAMPLE = 1024  # training examples that `fit` evaluates as well as the validation split
_FIXED = 0.3  # seconds that every run takes to set up, to evaluate and to save
_FORWARD = 1 / 3  # fraction of the time of a step that its forward pass takes


def memory_suffices(subject: PreflightSubject) -> CheckResult:
    """Training fits into the free memory."""
    free = free_bytes(subject.device)
    batch = subject.recipe.train.micro_batch or subject.facts.batch_size
    held = {"sgd": 1 if subject.recipe.optim.momentum else 0}.get(subject.recipe.optim.name, 2)
    needed = training_memory(subject.parts.model, facts_of(subject.seen), state_numbers=held, batch_size=batch)
    largest = needed.largest_batch(free)
    gib = [f"{count / 2**30:.3g} GiB" for count in (needed.total(batch), free)]
    advice = f"Set train.micro_batch={largest}" if largest else "Use a smaller network"
    finding = Finding(
        rule="memory_too_small",
        severity=Severity.ERROR,
        title=f"Not enough memory: training needs about {gib[0]}, but {gib[1]} are free. {advice}.",
        evidence={"bytes": needed.total(batch), "bytes_limit": free, "largest_batch": largest},
    )
    findings = (finding,) if needed.total(batch) > free else ()
    return CheckResult(needed.total(batch), f"at most {gib[1]}", findings, unit="bytes")


def time_is_known(subject: PreflightSubject) -> CheckResult:
    """The time of the planned training, from a few measured steps and a third of a step per evaluated batch."""
    model, optimizer = subject.pair()
    seconds: list[float] = []
    started = time.perf_counter()
    for batch in itertools.islice(subject.batches(subject.facts.batch_size), _STEPS):
        begun = time.perf_counter()
        subject.step(model, optimizer, batch=batch)
        seconds.append(time.perf_counter() - begun)
        if time.perf_counter() - started > _SECONDS:
            break
    sizes = subject.facts.sizes
    train = max(1, sizes.get("train", 0))
    evaluated = sizes.get("validation", 0) + min(_SAMPLE, train)
    step = statistics.median(seconds[_WARM_UP:] or seconds)
    predicted = _FIXED + step * subject.facts.steps * (1 + _FORWARD * evaluated / train)
    return CheckResult(predicted, "", unit="seconds")
