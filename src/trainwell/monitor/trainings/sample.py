"""One sample of a training that is not ours: the moment for the probes, and the signals of the code itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from trainwell.core.batch import Batch
from trainwell.core.contracts.moment import Moment
from trainwell.monitor.trainings.coverage import Coverage
from trainwell.monitor.trainings.networks import (
    LooseParameters,
    compose,
    depends_on_mode,
    first_tensor,
    is_frozen_at_initialisation,
    unwrapped,
    with_user_names,
)
from trainwell.monitor.trainings.observations import ModuleCall, Observations
from trainwell.monitor.trainings.optimizers import KnownOptimizers
from trainwell.monitor.trainings.training import NetworkState, Training

_EARLY_SAMPLES = 8  # Which optimizer holds what does not change later.


def take_sample(
    observations: Observations, training: Training, *, step: int, optimizers: KnownOptimizers, is_alone: bool
) -> Moment | None:
    """Record the signals of the code at a step, and return what the probes may look at.

    Args:
        observations: what was observed in the step.
        training: the training that is about to step.
        step: number of the step.
        optimizers: all optimizers there are.
        is_alone: whether this is the only training.
    Returns:
        the moment, or None if no loss was seen.
    """
    own = training.optimizers.alive()
    trained = training.optimizers.parameter_ids()
    optimised = optimizers.parameter_ids()
    is_stale = all(p.grad is None for p in training.optimizers.leading_parameters())
    calls = _calls_of(observations, trained, optimised=optimised, is_stale=is_stale)
    if training.network.state is not NetworkState.COMPOSED:
        _compose(observations, training, calls=calls, step=step)
        _record_start(observations, training, step=step, optimizers=optimizers)
    model = training.network.model
    if model is None:
        return None
    if not is_alone:  # networks that compete make losses larger on purpose
        observations.signals.pop("negated_loss", None)
    for name, value in _signals(observations, training):
        training.series.signal(name, step, value=value)
    if training.samples < _EARLY_SAMPLES:
        coverage = Coverage(observations, model, trained, optimised, optimizers.was_trained)
        for name, value in _coverage_signals(coverage, training):
            training.series.signal(name, step, value=value)
    training.samples += 1
    training.gradient.reset()
    return _moment(observations, calls, model=model, step=step, optimizer=own[0]) if observations.losses else None


def _moment(
    observations: Observations,
    calls: dict[nn.Module, ModuleCall],
    *,
    model: nn.Module,
    step: int,
    optimizer: Optimizer,
) -> Moment:
    last = next((call for call in reversed(calls.values()) if call.with_gradients), None)
    last = last or ModuleCall(with_gradients=True, training=model.training, inputs=())
    loss = torch.stack([loss.to(observations.losses[0].device) for loss in observations.losses]).mean()
    reading = observations.reading
    outputs = reading.prediction if reading.prediction is not None else first_tensor(last.output)
    inputs = last.first_input()
    inputs = inputs if inputs is not None and inputs.ndim else torch.zeros(1, dtype=torch.long)
    batch = Batch({"inputs": inputs, "targets": reading.target if reading.target is not None else inputs})
    return Moment(step, model, optimizer, batch, loss if outputs is None else outputs.detach(), loss)


def _calls_of(
    observations: Observations, trained: set[int], *, optimised: set[int], is_stale: bool
) -> dict[nn.Module, ModuleCall]:
    """Return the calls of the networks a training changes.

    Args:
        observations: what was observed.
        trained: `id`s of the parameters this training changes.
        optimised: `id`s of the parameters any training changes.
        is_stale: whether nothing that this training changes has a gradient: then it should have held the networks that
            no optimizer holds.
    """
    calls = {unwrapped(module): call for module, call in observations.calls.items()}
    own = {module: {id(p) for p in module.parameters() if p.requires_grad} for module in calls}
    mine = {module: call for module, call in calls.items() if own[module] & trained}
    # A teacher, too, may be called without gradients.
    if not is_stale or any(call.with_gradients for call in mine.values()):
        return mine
    return {module: call for module, call in calls.items() if own[module] and not own[module] & optimised}


def _compose(observations: Observations, training: Training, *, calls: dict[nn.Module, ModuleCall], step: int) -> None:
    """Find the network of a training, now that all its parts were called."""
    training.network.state = NetworkState.COMPOSED  # first: what fails once is not tried in every step
    given = observations.modules.given
    composed = (
        with_user_names(unwrapped(given))
        if given is not None
        else compose(list(calls), training.optimizers.alive(), parents=observations.modules.parents)
    )
    if training.network.model is not composed:
        training.start(composed, step=step)
    roots = [module for module, call in calls.items() if call.with_gradients] or [composed]
    trained = training.optimizers.parameter_ids()
    training.mode.module = next((root for root in reversed(roots) if depends_on_mode(root, trained)), None)


def _record_start(observations: Observations, training: Training, *, step: int, optimizers: KnownOptimizers) -> None:
    """Record how a training starts: from loaded weights, or with layers that are frozen by mistake."""
    model = training.network.model or nn.Module()
    loaded = observations.modules.loaded
    signal = training.series.signal
    if any(module in loaded for module in model.modules()):
        signal("code/weights_loaded", step, value=1.0)
    whole = sum(p.numel() for p in model.parameters()) or 1
    for name, module in model.named_modules():
        is_frozen = is_frozen_at_initialisation(module) and module not in loaded
        if is_frozen and isinstance(weight := module.weight, Tensor) and not optimizers.was_trained(weight):
            share = sum(p.numel() for p in module.parameters()) / whole
            signal(f"code/frozen_untrained/{name}", step, value=share)
        if isinstance(module, _DropoutNd) and module.p > 0:
            signal(f"code/dropout/{name}", step, value=module.p)
    for name, value in observations.early_signals.items():
        signal(f"code/{name}", step, value=value)


def _signals(observations: Observations, training: Training) -> Iterator[tuple[str, float]]:
    """Yield what losses, gradients and optimizers tell in this step."""
    is_manual = training.optimizers.manual() is not None
    if is_manual:  # the update may divide by the size of the batch
        observations.signals.pop("summed_loss", None)
    groups = [group for optimizer in training.optimizers.alive() for group in optimizer.param_groups]
    is_maximised = any(group.get("maximize") for group in groups)
    is_wrong = is_maximised != bool(observations.signals.pop("negated_loss", 0.0))
    if observations.reading.kind and (is_wrong or is_manual):  # a reward may be maximised
        yield "code/negated_loss", float(is_wrong)
    rate = training.optimizers.learning_rate()
    if not is_manual or math.isfinite(rate):
        yield "learning_rate", rate
    if training.samples and training.gradient.before is not None:
        yield "code/gradient_before_backward", training.gradient.before
    yield "code/gradient_after_backward", training.gradient.after
    yield from ((f"code/{name}", value) for name, value in observations.signals.items())
    yield from _sequence_signals(observations)
    yield from training.targets.add(observations.reading).items()


def _sequence_signals(observations: Observations) -> Iterator[tuple[str, float]]:
    """Yield what the axes of the sequence layers, the inputs and the targets tell together."""
    prediction = observations.reading.prediction
    target = observations.reading.target
    if prediction is None or target is None or not target.ndim:
        return
    count = len(target)
    is_one_each = target.ndim == 1 or (target.ndim == 2 and target.shape[1] == 1)
    if is_one_each and any(time == count != batch for time, batch in observations.sequences.time_first):
        yield "code/missing_batch_first", float(count)
    given = observations.last_input()
    if not observations.sequences.sees_future or given is None or given.ndim != 2:
        return
    if target.numel() == given.numel() > len(given):
        wanted = target.view(given.shape)
        if bool((given[:, 1:] == wanted[:, :-1]).all()):
            yield "code/missing_causal_mask", 1.0


def _coverage_signals(coverage: Coverage, training: Training) -> Iterator[tuple[str, float]]:
    """Yield what no optimizer holds and what received no gradient, each as its share of all parameters."""
    named = coverage.parameters()
    if coverage.observations.called:
        training.series.unused = coverage.unused(named)
    for name, share, is_fault in coverage.faults(named):
        if is_fault or name in training.flagged:
            training.flagged.add(name)
            yield name, share if is_fault else 0.0
    leading = training.optimizers.leading_parameters()
    own = {id(p) for p in coverage.model.parameters()}
    if not isinstance(coverage.model, LooseParameters) and (size := sum(p.numel() for p in leading)):
        yield "code/stale_fraction", sum(p.numel() for p in leading if id(p) not in own and p.grad is None) / size
    for name, count in coverage.constant_statistics():
        yield f"code/statistics_unchanged/{name}", count
