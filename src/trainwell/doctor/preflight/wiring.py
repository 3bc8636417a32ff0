"""Checks of the connections: from inputs to outputs, from the loss to the parameters, from these to the optimizer."""

from __future__ import annotations

import torch

from trainwell.core.batch import Batch
from trainwell.core.contracts.outputs import main_output
from trainwell.core.errors import ShapeError
from trainwell.core.finding import Finding, Severity
from trainwell.doctor.preflight.subject import CheckResult, PreflightSubject

_LEAK = 1e-3  # fraction of the outputs' standard deviation: docs/references.md, T22
_CONSTANT = 1e-7  # relative standard deviation: docs/references.md, T7
_SAMPLES = 64
_SHOWN = 10
_SMALL = 0.01  # fraction of all parameters, below which it is a hint: docs/references.md, T23


def head_fits(subject: PreflightSubject) -> CheckResult:
    """The network accepts a batch and returns as many outputs as the task needs."""
    batch = subject.few
    try:
        outputs = subject.answer(subject.copy(), batch)
    except Exception as problem:  # whatever the user's network raises, training would raise as well
        said = f"{type(problem).__name__}: {problem}".splitlines()[0]
        title = f"The network fails on a batch of shape {tuple(batch.inputs.shape)} and {batch.inputs.dtype}: {said}"
        return CheckResult(None, "outputs", (Finding("network_fails", Severity.ERROR, title),))
    main = main_output(outputs)
    width = main.shape[-1] if main.ndim > 1 else 1
    needed = subject.facts.outputs or 1
    expected = f"{subject.facts.outputs} outputs"
    unfit = ""
    if asked_for := subject.task.outputs_for(subject.seen.targets):
        needed = max(subject.facts.outputs, asked_for)
        expected = f"{needed} outputs"
        if width < needed:
            unfit = f"The network has {width} outputs, but there are {needed} classes. Widen its last layer."
    if not unfit:
        try:
            subject.task.loss(outputs, batch)
        except (ShapeError, RuntimeError, IndexError) as failed:
            unfit = str(failed).splitlines()[0]
    finding = Finding(
        rule="head_does_not_fit",
        severity=Severity.ERROR,
        title=unfit,
        evidence={"outputs": width, "outputs_limit": needed},
    )
    return CheckResult(width, expected, (finding,) if unfit else ())


def parameters_are_trained(subject: PreflightSubject) -> CheckResult:
    """The optimizer changes every parameter that is not frozen on purpose."""
    model = subject.parts.model
    own = subject.optimizer
    named = dict(model.named_parameters())
    frozen = [name for name, parameter in named.items() if not parameter.requires_grad]
    findings = []
    missing: list[str] = []
    if own is not None:
        held = {id(parameter) for group in own.param_groups for parameter in group["params"]}
        missing = [name for name in named if name not in frozen and id(named[name]) not in held]
        if all(group["lr"] == 0 for group in own.param_groups):
            missing = [name for name in named if name not in frozen]
    if missing:
        title = f"The optimizer does not change {missing[0]}" + (
            f" and {len(missing) - 1} more." * (len(missing) > 1) or "."
        )
        evidence = {"parameters_missing": float(len(missing)), "parameters_missing_limit": 0.0}
        findings.append(
            Finding(
                "parameters_not_in_optimizer", Severity.ERROR, title, evidence=evidence, where=tuple(missing[:_SHOWN])
            )
        )
    if frozen:
        everything = len(frozen) == len(named)
        title = "Every parameter is frozen." if everything else f"{len(frozen)} of {len(named)} parameters are frozen."
        severity = Severity.ERROR if everything else Severity.INFO
        evidence = {"parameters_frozen": float(len(frozen)), "parameters": float(len(named))}
        findings.append(Finding("parameters_frozen", severity, title, evidence=evidence, where=tuple(frozen[:_SHOWN])))
    return CheckResult(len(missing), "0 left out", tuple(findings))


def parameters_are_reached(subject: PreflightSubject) -> CheckResult:
    """Every parameter gets a gradient: it is not zero on all of three batches."""
    model = subject.copy(training=True)
    reached: set[str] = set()
    named = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    for batch, _ in zip(subject.batches(), range(3), strict=False):
        model.zero_grad()
        torch.autograd.backward(subject.task.loss(subject.task.forward(model, batch), batch))
        reached |= {name for name, p in named.items() if p.grad is not None and bool(p.grad.any())}
    missed = tuple(name for name in named if name not in reached)
    numbers = sum(named[name].numel() for name in missed)
    share = numbers / max(1, sum(parameter.numel() for parameter in named.values()))
    finding = Finding(
        rule="parameters_not_reached",
        severity=Severity.ERROR if share == 1 else Severity.INFO if share < _SMALL else Severity.WARNING,
        title=f"No gradient reaches {missed[0]}: it is detached from the loss or not used." if missed else "",
        evidence={"unreached_fraction": share, "unreached_fraction_limit": 0.0},
        where=missed[:_SHOWN],
        explains=("network_cannot_fit", "optimizer_cannot_fit"),
    )
    return CheckResult(len(missed), "0 without", (finding,) if missed else ())


def inputs_are_connected(subject: PreflightSubject) -> CheckResult:
    """Every input is connected to the outputs.

    The gradients are taken at random inputs: real ones may hide a connection, as black corners of images do.
    """
    expected = "0 unconnected"
    pool = subject.seen.slice(0, _SAMPLES)
    if not pool.inputs.is_floating_point():
        return CheckResult(None, expected, note="inputs are tokens")
    noise = torch.randn_like(pool.inputs) * pool.inputs.std() + pool.inputs.mean()
    outputs = main_output(subject.task.forward(subject.copy(), pool.replace(inputs=noise.requires_grad_())))
    (gradient,) = torch.autograd.grad((outputs * torch.randn_like(outputs)).sum(), noise, allow_unused=True)
    reach = torch.zeros_like(noise[0]) if gradient is None else gradient.abs().amax(dim=0)
    missed = (reach.flatten() == 0).nonzero().flatten().tolist()
    preparation = subject.parts.data.preparation
    features = preparation.feature_names if preparation else ()
    names = features if len(features) == reach.numel() else [f"input {number}" for number in range(reach.numel())]
    everything = len(missed) == reach.numel()
    finding = Finding(
        rule="inputs_not_connected",
        severity=Severity.ERROR if everything else Severity.WARNING,
        title=f"{'None' if everything else f'{len(missed):,}'} of {reach.numel():,} inputs "
        f"{'is' if everything else 'are not'} connected to the outputs.",
        evidence={"inputs_cut_off": len(missed), "inputs_cut_off_limit": 0},
        where=tuple(names[number] for number in missed[:_SHOWN]),
        explains=("constant_outputs", "network_cannot_fit") if everything else (),
    )
    return CheckResult(len(missed), expected, (finding,) if missed else ())


def examples_are_independent(subject: PreflightSubject) -> CheckResult:
    """In eval mode the outputs for an example do not depend on the other examples of its batch."""
    expected = f"at most {_LEAK:g} of the std"
    pool = subject.seen.slice(0, 32)
    if len(pool) < 9:
        return CheckResult(None, expected, note="too few examples")
    model = subject.copy()
    rows = torch.cat([torch.zeros(1, dtype=torch.long), torch.arange(8, len(pool))])
    other = Batch({name: pool[name][rows] for name in pool.names()})
    together = subject.main_output(model, pool.slice(0, len(rows)))
    apart = subject.main_output(model, other)
    spread = max(together.std().item(), apart.std().item(), 1e-12)
    change = (together[0] - apart[0]).abs().max().item() / spread
    finding = Finding(
        rule="examples_leak",
        severity=Severity.ERROR,
        title="The outputs for an example change with the other examples of its batch: a layer mixes the batch axis.",
        evidence={"change_fraction": change, "change_fraction_limit": _LEAK},
    )
    return CheckResult(change, expected, (finding,) if not change <= _LEAK else ())


def outputs_vary(subject: PreflightSubject) -> CheckResult:
    """Different inputs give different outputs, at the start or within five steps."""
    expected = f"above {_CONSTANT:g}"
    pool = subject.seen.slice(0, 128)
    spread = 0.0
    for model in (subject.copy(), subject.warmed):
        outputs = subject.main_output(model, pool)
        spread = (outputs.std(dim=0) / outputs.mean(dim=0).abs().clamp_min(1.0)).max().item()
        if spread > _CONSTANT:
            return CheckResult(spread, expected)
    finding = Finding(
        rule="constant_outputs",
        severity=Severity.ERROR,
        title="Constant outputs: the network returns the same for every input.",
        evidence={"output_std": spread, "output_std_low_limit": _CONSTANT},
        explains=("network_cannot_fit",),
        remedies=("he_initialisation",),
    )
    return CheckResult(spread, expected, (finding,))
