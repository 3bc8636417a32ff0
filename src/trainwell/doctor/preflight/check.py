"""Test data and network in a few seconds, on copies, before training."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from trainwell.core.catalogue import Catalogue
from trainwell.core.finding import Finding, Severity, in_order
from trainwell.core.seeds import derive
from trainwell.doctor.diagnose import findings_json
from trainwell.doctor.preflight.cost import memory_suffices, time_is_known
from trainwell.doctor.preflight.data import data_audit, labels_fit_inputs
from trainwell.doctor.preflight.start import few_can_be_learned, gradients_are_right, initial_loss, units_differ
from trainwell.doctor.preflight.subject import Check, CheckResult, PreflightSubject
from trainwell.doctor.preflight.wiring import (
    examples_are_independent,
    head_fits,
    inputs_are_connected,
    outputs_vary,
    parameters_are_reached,
    parameters_are_trained,
)
from trainwell.fitting.catalogues import CUSTOM
from trainwell.fitting.fit import understand
from trainwell.fitting.record import network_table
from trainwell.recipe import Recipe, flatten
from trainwell.train import threads

CHECKS: Catalogue[Callable[[PreflightSubject], CheckResult]] = Catalogue(
    "check",
    {
        test.__name__: test
        for test in (
            data_audit,
            labels_fit_inputs,
            head_fits,
            parameters_are_trained,
            units_differ,
            inputs_are_connected,
            outputs_vary,
            parameters_are_reached,
            examples_are_independent,
            gradients_are_right,
            few_can_be_learned,
            initial_loss,
            memory_suffices,
            time_is_known,
        )
    },
)
"""The checks, causes before symptoms; the first line of the docstring says what should hold."""


@dataclass(frozen=True)
class CheckReport:
    """The results of all checks.

    Args:
        checks: in the order in which they were made.
        recipe: what would be trained.
    """

    checks: tuple[Check, ...]
    recipe: Recipe

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, in the one order of findings."""
        return in_order(finding for check in self.checks for finding in check.result.findings)

    @property
    def passed(self) -> bool:
        """Tell whether there is no error."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    @property
    def predicted_seconds(self) -> float | None:
        """How long the planned training will take, in seconds; None if it was not measured."""
        return next((check.result.measured for check in self.checks if check.name == "time_is_known"), None)

    def to_json(self) -> dict[str, Any]:
        """Return the results as plain data, in the shape `--json` prints."""
        rows = [
            {
                "name": check.name,
                "passed": check.passed,
                "measured": _finite(check.result.measured),
                "expected": check.result.expected,
                "verdict": check.verdict,
                "note": check.result.note,
            }
            for check in self.checks
        ]
        return {
            "passed": self.passed,
            "checks": rows,
            "findings": findings_json(self.findings),
            "predicted_seconds": self.predicted_seconds,
        }


def check(
    data: Any,
    model: nn.Module | None = None,
    *,
    optimizer: Optimizer | None = None,
    edits: Mapping[str, object] | None = None,
) -> CheckReport:
    """Check data and network before training: one second for small networks, about ten seconds at most.

    Everything runs on copies: network, optimizer, train or eval mode and random generators are left unchanged. A check
    that raises an error is "not checked", with the reason.

    Args:
        data: what `fit` takes, or a `Recipe`.
        model: your own network; None builds that of the recipe.
        optimizer: your own optimizer for it; None uses that of the recipe.
        edits: settings by dotted key.
    Raises:
        TrainwellError: if the data cannot be read or the recipe cannot be built.

    >>> report = check("iris")
    >>> report.passed, report.findings
    (True, ())
    >>> [finding.rule for finding in check("iris", edits={"nn.initialisation": "zeros"}).findings][0]
    'symmetric_weights'
    """
    settings = dict(edits or {})
    if isinstance(data, Recipe):
        settings = {**dict(flatten(data)), **settings}
        data = settings.pop("data.source")
    if model is not None:
        settings["nn.model"] = CUSTOM
    with _undisturbed():
        parts = understand(data, model, changes=settings)
        subject = PreflightSubject(parts, optimizer)
        per_batch = sum(layer.multiply_adds for layer in network_table(parts)) * parts.recipe.train.batch_size
        torch.manual_seed(derive(parts.recipe.seed, "check"))
        with threads(parts.recipe.train.threads, per_batch):
            return CheckReport(tuple(_examine(subject)), parts.recipe)


def _examine(subject: PreflightSubject) -> Iterator[Check]:
    obstacle = ""
    for name, test in CHECKS.items():
        title = (test.__doc__ or "").partition("\n")[0]
        try:
            result = CheckResult(None, "", note=obstacle) if obstacle else test(subject)
        except Exception as problem:  # a network of the user's own may raise anything; the other checks go on
            result = CheckResult(None, "", note=f"{type(problem).__name__}: {problem}".splitlines()[0])
        if name == "head_fits" and any(finding.severity is Severity.ERROR for finding in result.findings):
            obstacle = "the network and the data do not fit"
        yield Check(name, title, result)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Restore the random generators of torch, numpy and Python."""
    held = np.random.get_state(), random.getstate()
    try:
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        np.random.set_state(held[0])
        random.setstate(held[1])


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None
