"""One sample of a training that is not ours: the moment for the probes, and the signals of the code itself."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from trainwell.core.batch import Batch
from trainwell.core.moment import Moment
from trainwell.monitor.autograd.attention import attends_ahead
from trainwell.monitor.autograd.graph import Reading
from trainwell.monitor.code.source_lines import user_frames, variable_name
from trainwell.monitor.trainings.manual_updates import HandWritten, keras_layers, keras_weights
from trainwell.monitor.trainings.training import Loose, Track, knows_modes, parameters_of, untouched
from trainwell.monitor.trainings.trainings import Trainings

_EARLY_SAMPLES = 8  # Which optimizer holds what does not change later.
_FEWEST_BATCHES = 10  # After that many, statistics that are gathered are no longer exactly 0 and 1.
_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}


@dataclass
class Call:
    """One call of an outermost module in a sampled step.

    Args:
        grades: whether gradients were on.
        training: its mode.
        inputs: positional arguments.
        options: arguments by name.
        output: what it returned.
    """

    grades: bool
    training: bool
    inputs: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    output: Any = None


class Sight:
    """What came into sight since the last sample, and the little that is kept for longer.

    Args:
        given: the network, if the user has named it.
    """

    def __init__(self, given: nn.Module | None) -> None:
        self.given = given
        self.calls: dict[nn.Module, Call] = {}
        self.called: set[nn.Module] = set()  # every module that was called, however deep
        self.losses: list[Tensor] = []
        self.reading = Reading()
        self.signs: dict[str, float] = {}
        self.early_signs: dict[str, float] = {}  # seen before the first sample
        self.time_first: set[tuple[int, int]] = set()  # shapes a sequence layer took for (time, batch)
        self.sees_all = False  # a sequence layer sees what comes later, too
        self.parents: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        self.loaded: weakref.WeakSet[nn.Module] = weakref.WeakSet()

    def take(self, loss: Tensor, reading: Reading) -> None:
        """Take in a loss and what its graph tells."""
        self.reading = reading
        scale = reading.factor if reading.is_mean else 1.0
        self.losses.append(loss.detach().float() / (scale or 1.0))
        self.signs |= reading.signs
        given = self.given_last()
        if given is not None and reading.target is not None and given.ndim == 2 and reading.target.ndim:
            if not self.sees_all and reading.target.numel() == given.numel() > len(given):  # it may say what comes next
                self.sees_all = attends_ahead(loss)
        if reading.part is not None and 0 < (whole := float(loss.detach())) < math.inf:
            self.signs["penalty_fraction"] = 1 - reading.factor * reading.part / whole

    def called_with(self, inputs: Tensor) -> nn.Module | None:
        """Return the network that was called with these inputs."""
        calls = self.calls.items()
        return next((unwrapped(one) for one, call in calls if any(given is inputs for given in call.inputs)), None)

    def given_last(self) -> Tensor | None:
        """Return what the last network was given that was called with gradients."""
        call = next((call for call in reversed(self.calls.values()) if call.grades), None)
        return _first_tensor((call.inputs, call.options)) if call is not None else None

    def note_sequence(self, module: nn.Module, inputs: tuple[Any, ...], options: dict[str, Any]) -> None:
        """Look at how a sequence layer is called: which axis is time, and whether it may see the future."""
        if not isinstance(module, (nn.RNNBase, nn.MultiheadAttention)) or not inputs or not torch.is_grad_enabled():
            return
        given = inputs[0]
        if isinstance(given, Tensor) and given.ndim == 3 and not module.batch_first:
            self.time_first.add((given.shape[0], given.shape[1]))
        if isinstance(module, nn.RNNBase):
            self.sees_all |= module.bidirectional
        else:
            masked = options.get("attn_mask") is not None or len(inputs) > 5 or options.get("is_causal", False)
            self.sees_all |= not masked and len(inputs) > 1 and inputs[1] is given

    def forget(self) -> None:
        """Let go of everything a sample has kept alive."""
        self.time_first.clear()
        self.sees_all = False
        self.reading = Reading()
        self.calls.clear()
        self.called.clear()
        self.losses.clear()
        self.signs.clear()
        self.early_signs.clear()


def sample(sight: Sight, track: Track, step: int, *, trainings: Trainings) -> Moment | None:
    """Record the signals of the code at a step, and return what the probes may look at.

    Args:
        sight: what was seen.
        track: the training that is about to step.
        step: number of the step.
        trainings: this one and all others.
    Returns:
        the moment, or None if no loss was seen.
    """
    optimizers = track.alive()
    trained = {id(p) for optimizer in optimizers for p in parameters_of(optimizer)}
    taken = {id(p) for optimizer in trainings.known() for p in parameters_of(optimizer)}
    calls = _calls_of(sight, trained, taken, is_stale=all(p.grad is None for p in track.led()))
    if not track.is_composed:
        track.is_composed = True
        composed = readable(unwrapped(sight.given)) if sight.given else compose(sight, list(calls), optimizers)
        if track.model is not composed:
            track.start(composed, step=step)
        _record_start(sight, track, step, trainings=trainings)
        roots = [module for module, call in calls.items() if call.grades] or [composed]
        track.modal = next((root for root in reversed(roots) if knows_modes(root, trained)), None)
    if track.model is None:
        return None
    last = next((call for call in reversed(calls.values()) if call.grades), Call(True, track.model.training, ()))
    if len(trainings.all) > 1:  # networks that play against each other make losses larger on purpose
        sight.signs.pop("negated_loss", None)
    for name, value in _signals(sight, track, track.model, trained):
        track.series.signal(name, step, value)
    if track.samples < _EARLY_SAMPLES:
        for name, value in _coverage(sight, track, track.model, trained=trained, trainings=trainings):
            track.series.signal(name, step, value)
        for name, count in _ungathered(sight, track.model):
            track.series.signal(f"code/statistics_unchanged/{name}", step, count)
    track.samples += 1
    track.before, track.after = None, 0.0
    if not sight.losses:
        return None
    loss = torch.stack([loss.to(sight.losses[0].device) for loss in sight.losses]).mean()
    outputs = sight.reading.prediction if sight.reading.prediction is not None else _first_tensor(last.output)
    inputs = _first_tensor((last.inputs, last.options))
    inputs = inputs if inputs is not None and inputs.ndim else torch.zeros(1, dtype=torch.long)
    target = sight.reading.target
    batch = Batch({"inputs": inputs, "targets": target if target is not None else inputs})
    return Moment(step, 0, track.model, optimizers[0], batch, loss if outputs is None else outputs.detach(), loss)


def _calls_of(sight: Sight, trained: set[int], taken: set[int], *, is_stale: bool) -> dict[nn.Module, Call]:
    """Return the calls of the networks a training changes.

    Args:
        sight: what was seen.
        trained: `id`s of the parameters this training changes.
        taken: those that any training changes.
        is_stale: what this training changes has received no gradient: then networks nobody changes are the ones meant.
    """
    calls = {unwrapped(module): call for module, call in sight.calls.items()}
    own = {module: {id(p) for p in module.parameters() if p.requires_grad} for module in calls}
    mine = {module: call for module, call in calls.items() if own[module] & trained}
    if not is_stale or any(call.grades for call in mine.values()):  # a teacher, too, may be called without gradients
        return mine
    return {module: call for module, call in calls.items() if own[module] and not own[module] & taken}


def compose(sight: Sight, roots: list[nn.Module], optimizers: list[Any]) -> nn.Module:
    """Return the one module that stands for what a training changes."""
    own = {one: {id(p) for p in one.parameters()} for one in roots}
    inner = {module for one in roots for module in one.modules() if module is not one}
    holders: dict[int, list[nn.Module]] = {}  # thousands of roots may be called one by one: no pairs of all with all
    for one in roots:
        for p in own[one]:
            holders.setdefault(p, []).append(one)
    roots = [
        one
        for one in roots
        if one not in inner and not any(own[one] < own[other] for p in own[one] for other in holders[p])
    ]
    if len(roots) == 1:
        return readable(roots[0])
    if not roots:
        loose = [p for optimizer in optimizers for p in parameters_of(optimizer)]
        return Loose({variable_name(p) or f"parameter{number}": p for number, p in enumerate(loose)})
    for parent in sight.parents:
        inside = set(parent.modules())
        if all(root in inside for root in roots):
            return parent
    names = [variable_name(root) or f"{type(root).__name__.lower()}{number}" for number, root in enumerate(roots)]
    return nn.ModuleDict({name.replace(".", "_"): root for name, root in zip(names, roots, strict=True)})


def _record_start(sight: Sight, track: Track, step: int, *, trainings: Trainings) -> None:
    """Record how a training starts: from loaded weights, or with layers that are frozen by mistake."""
    model = track.model or nn.Module()
    if any(module in sight.loaded for module in model.modules()):
        track.series.signal("code/weights_loaded", step, 1.0)
    whole = sum(p.numel() for p in model.parameters()) or 1
    for name, module in model.named_modules():
        if untouched(module) and module not in sight.loaded and not trainings.was_trained(module.weight):
            share = sum(p.numel() for p in module.parameters()) / whole
            track.series.signal(f"code/frozen_untrained/{name}", step, share)
        if isinstance(module, _DropoutNd) and module.p > 0:
            track.series.signal(f"code/dropout/{name}", step, module.p)
    for name, value in sight.early_signs.items():
        track.series.signal(f"code/{name}", step, value)


def _signals(sight: Sight, track: Track, model: nn.Module, trained: set[int]) -> Iterator[tuple[str, float]]:
    by_hand = any(isinstance(optimizer, HandWritten) for optimizer in track.alive())
    if by_hand:  # the step may divide by the size of the batch
        sight.signs.pop("summed_loss", None)
    is_raised = any(group.get("maximize") for optimizer in track.alive() for group in optimizer.param_groups)
    is_wrong = is_raised != bool(sight.signs.pop("negated_loss", 0.0))
    if sight.reading.kind and (is_wrong or by_hand):  # a reward may be raised
        yield "code/negated_loss", float(is_wrong)
    if not by_hand or math.isfinite(track.rate()):
        yield "rate/learning_rate", track.rate()
    if track.samples and track.before is not None:
        yield "code/gradient_before_backward", track.before
    yield "code/gradient_after_backward", track.after
    yield from ((f"code/{name}", value) for name, value in sight.signs.items())
    yield from _sequence_signs(sight)
    yield from track.learn(sight.reading).items()


def _sequence_signs(sight: Sight) -> Iterator[tuple[str, float]]:
    """Yield what the axes of the sequence layers, the inputs and the targets tell together."""
    prediction, target = sight.reading.prediction, sight.reading.target
    if prediction is None or target is None or not target.ndim:
        return
    count = len(target)
    is_one_each = target.ndim == 1 or (target.ndim == 2 and target.shape[1] == 1)
    if is_one_each and any(time == count != batch for time, batch in sight.time_first):
        yield "code/missing_batch_first", float(count)
    given = sight.given_last()
    if sight.sees_all and given is not None and given.ndim == 2 and target.numel() == given.numel() > len(given):
        wanted = target.view(given.shape)
        if bool((given[:, 1:] == wanted[:, :-1]).all()):
            yield "code/missing_causal_mask", 1.0


def _coverage(
    sight: Sight, track: Track, model: nn.Module, *, trained: set[int], trainings: Trainings
) -> Iterator[tuple[str, float]]:
    """Yield what no optimizer holds and what received no gradient, each as its share of all parameters."""
    taken = {id(p) for optimizer in trainings.known() for p in parameters_of(optimizer)}
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    named += _unregistered(sight, model, taken)
    named += _strangers(sight, model, taken, trainings)
    whole = sum(p.numel() for _, p in named) or 1
    called = {id(p) for module in sight.called for p in module.parameters(recurse=False)}
    reached = trained & called
    if called:
        track.series.unused = {name for name, p in named if id(p) not in called and p.grad is None}
    for name, p in named:
        wrong = {
            f"code/parameters_not_in_optimizer/{name}": id(p) not in taken and p.grad is not None,
            f"code/gradient_missing/{name}": id(p) in reached and p.grad is None,
        }
        for signal, is_wrong in wrong.items():
            if is_wrong or signal in track.flagged:
                track.flagged.add(signal)
                yield signal, p.numel() / whole if is_wrong else 0.0
    leading = track.led()
    own = {id(p) for p in model.parameters()}
    if not isinstance(model, Loose) and (size := sum(p.numel() for p in leading)):
        yield "code/stale_fraction", sum(p.numel() for p in leading if id(p) not in own and p.grad is None) / size


def _ungathered(sight: Sight, model: nn.Module) -> Iterator[tuple[str, float]]:
    """Yield the normalisation layers whose statistics are those they began with, and the batches they have seen."""
    for name, layer in model.named_modules():
        if isinstance(layer, _BatchNorm) and layer.training and layer in sight.called - set(sight.loaded):
            mean, spread, seen = layer.running_mean, layer.running_var, layer.num_batches_tracked
            if mean is not None and spread is not None and seen is not None and int(seen) >= _FEWEST_BATCHES:
                if not bool(mean.any()) and bool((spread == 1).all()):
                    yield name, float(seen)


def _unregistered(sight: Sight, model: nn.Module, taken: set[int]) -> list[tuple[str, nn.Parameter]]:
    """Return parameters of layers that run and learn, but lie in a plain list where PyTorch does not find them."""
    inside = set(model.modules())
    names: dict[nn.Module, str] = {}
    for parent in inside & sight.called:
        for attribute, value in vars(parent).items():
            things = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            if attribute != "_modules":
                names |= {thing: f"{attribute}.{key}" for key, thing in things if isinstance(thing, nn.Module)}
    return [
        (f"{names[module]}.{name}", p)
        for module in names
        if module in sight.called and module not in inside
        for name, p in module.named_parameters()
        if p.requires_grad and p.grad is not None and id(p) not in taken
    ]


def _strangers(sight: Sight, model: nn.Module, taken: set[int], trainings: Trainings) -> list[tuple[str, nn.Parameter]]:
    """Return parameters of networks beside the one that is trained, which receive gradients and are in no optimizer.

    Networks that are kept as they are, because they were loaded, trained before or put into eval mode, are left out.
    """
    inside, found = set(model.modules()), []
    for module, call in sight.calls.items():
        if not call.grades or not call.training or unwrapped(module) in inside or module in sight.loaded:
            continue
        own = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        if all(p.grad is not None and id(p) not in taken and not trainings.was_trained(p) for _, p in own):
            title = variable_name(module) or type(module).__name__
            found += [(f"{title}.{name}", p) for name, p in own]
    return found


def unwrapped(module: nn.Module) -> nn.Module:
    """Return the network inside what only distributes it."""
    while (name := _WRAPPERS.get(type(module).__name__)) and isinstance(inside := getattr(module, name), nn.Module):
        module = inside
    return module


def readable(module: nn.Module) -> nn.Module:
    """Return a network with names that its user knows."""
    weights = keras_weights(module)
    return Loose(weights, name=type(module).__name__, layers=keras_layers(module)) if weights else module


def enclosing(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules in whose methods a module is being called."""
    for frame in user_frames():
        parent = frame.f_locals.get("self")
        if isinstance(parent, nn.Module) and parent is not module and any(one is module for one in parent.modules()):
            yield parent


def _first_tensor(thing: Any) -> Tensor | None:
    """Return the first tensor in a nest of tuples, lists and mappings, numbers with a point before whole ones."""
    found: list[Tensor] = []
    waiting = [thing]
    while waiting and len(found) < 16:
        one = waiting.pop(0)
        if isinstance(one, Tensor):
            found.append(one)
        elif isinstance(one, dict):
            waiting = [*one.values(), *waiting]
        elif isinstance(one, (tuple, list)):
            waiting = [*one, *waiting]
    return next((one for one in found if one.is_floating_point()), found[0] if found else None)
