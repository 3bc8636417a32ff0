"""Checks of the data."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwell.core.finding import Finding, Severity
from trainwell.data import audit
from trainwell.doctor.preflight.subject import CheckResult, PreflightSubject

_FEWEST = 40
_PERMUTATIONS = 200
_UNRELATED = 3.0  # standard deviations: docs/references.md, T13


def data_audit(subject: PreflightSubject) -> CheckResult:
    """The splits share no examples, and every class has examples in each."""
    plan = subject.parts.data.plan
    if plan is None:
        return CheckResult(None, "no problem", note="the batches were made in Python")
    findings = tuple(audit(plan.examples, plan.splits))
    return CheckResult(sum(finding.severity is not Severity.INFO for finding in findings), "no problem", findings)


def labels_fit_inputs(subject: PreflightSubject) -> CheckResult:
    """The targets can be predicted from the inputs.

    The nearest neighbour and a linear model predict one half of the examples from the other. Their predictions must
    agree with the targets far better than with shuffled targets (permutation test).
    """
    expected = f"at least {_UNRELATED:g} deviations"
    inputs = subject.seen.inputs
    targets = subject.task.target_columns(subject.seen.targets)
    if len(inputs) < 2 * _FEWEST or not inputs.is_floating_point():
        return CheckResult(
            None, expected, note="too few examples" if inputs.is_floating_point() else "inputs are tokens"
        )
    half = len(inputs) // 2
    x = inputs.flatten(1)[:half].double()
    rest = inputs.flatten(1)[half:].double()
    known = targets[:half] - targets[:half].mean(dim=0)
    nearest = known[torch.cdist(rest, x).argmin(dim=1)]
    gram = x @ x.T
    weights = torch.linalg.solve(gram + (gram.diagonal().mean() + 1e-9) * torch.eye(half).to(gram), known)
    deviations = max(_agreement(prediction, targets[half:]) for prediction in (nearest, rest @ (x.T @ weights)))
    finding = Finding(
        rule="labels_unrelated_to_inputs",
        severity=Severity.WARNING,
        title="The targets are unrelated to the inputs: probably one of the two was shuffled.",
        evidence={"agreement_deviations": deviations, "agreement_deviations_low_limit": _UNRELATED},
        explains=("validation_at_chance", "no_better_than_chance"),
    )
    return CheckResult(deviations, expected, (finding,) if deviations < _UNRELATED else ())


def _agreement(prediction: Tensor, targets: Tensor) -> float:
    """Return by how many standard deviations predictions agree better with the targets than with shuffled ones."""
    centred = targets - targets.mean(dim=0)
    orders = (torch.randperm(len(prediction)) for _ in range(_PERMUTATIONS))
    shuffled = torch.stack([(prediction * centred[order]).sum() for order in orders])
    return (((prediction * centred).sum() - shuffled.mean()) / shuffled.std().clamp_min(1e-12)).item()
