"""Finds the evaluations between the steps of a training: in which mode, on what, and with what loss."""

from __future__ import annotations

import functools
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any, TypeVar, final

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from trainwell.monitor.code.source_lines import user_frames
from trainwell.monitor.trainings.measure import Sight
from trainwell.monitor.trainings.splits import Group, Splits, shift
from trainwell.monitor.trainings.training import Track, knows_modes, parameters_of

_STEPS = 3  # Gradients that are off for a part of each step are no evaluation: the line was passed fewer steps ago.
_BATCHES = 8  # of one group whose inputs are looked at
# Evaluations that are measured in any case, in a script too short for shares of its time to mean much. From then on one
# is due when a quarter more of them have passed by: what goes wrong late must show too.
_FIRST = 12
_KINDS = {
    "cross_entropy": "classes",
    "nll_loss": "classes",
    "binary_cross_entropy": "probabilities",
    "binary_cross_entropy_with_logits": "logits",
    "mse_loss": "numbers",
    "smooth_l1_loss": "numbers",
    "huber_loss": "numbers",
}
LOSSES = tuple(_KINDS)
"""Losses of `torch.nn.functional` that are noticed in an evaluation."""
_CERTAIN = 14.0  # Examples that would have been expected of a class that was never seen: e^-14 is one in a million.


_Result = TypeVar("_Result")


def _charged(method: Callable[..., _Result]) -> Callable[..., _Result]:
    """Charge the time of a method to the training it is about."""

    @functools.wraps(method)
    def charged(self: Evaluations, track: Track, *inputs: Any, **options: Any) -> _Result:
        began = time.perf_counter()
        try:
            return method(self, track, *inputs, **options)
        finally:
            track.watch.charge(time.perf_counter() - began)

    return charged


@final
class Evaluations:
    """Tells lines that switch gradients off once in a while from those that do so in every step, and listens there."""

    def __init__(self) -> None:
        self.is_near = False  # gradients are off, and the next forward pass belongs to an evaluation
        self.is_open = False  # from its beginning to the next step
        self.is_measured = False  # the budget allows to listen to this one
        self.wants_inputs = False
        self._steps: dict[tuple[object, int], int] = {}
        self._place: tuple[object, ...] = ()
        self._groups: dict[tuple[object, ...], Group] = {}
        self._group: Group | None = None
        self._closed = self._met = self._due = (
            0  # evaluations that were measured, that passed by, the next that must be
        )
        self._splits = Splits()
        self._subject: weakref.ref[nn.Module] | None = None  # the network whose inputs were taken in training
        self._trained: set[int] = set()  # `id`s of the parameters of the training, as they were at a step
        self._trained_at = -1
        self._modes: weakref.WeakKeyDictionary[nn.Module, bool] = weakref.WeakKeyDictionary()

    def gradients_off(self, frame: FrameType, steps: int, *, trainings: int, affordable: bool = True) -> None:
        """Take note of a line that switches gradients off.

        Args:
            frame: where it is.
            steps: optimizer steps so far, of all trainings together.
            trainings: how many there are; each must have gone on.
            affordable: whether the budget allows to measure an evaluation; some are measured anyway.
        """
        place = (frame.f_code, frame.f_lineno)
        self.is_near = steps - self._steps.get(place, 0) >= _STEPS * trainings
        self._steps[place] = steps
        if self.is_near:
            self._met += not self.is_open
            self.is_measured |= affordable or self._met >= self._due
            self.is_open, self._place, self._group = True, place, None

    @_charged
    def train(self, track: Track, inputs: Tensor, sight: Sight, *, passes: float) -> None:
        """Take the examples of a sampled training step, to put those of evaluations beside them.

        Of the batches of an accumulated gradient only the last is taken; `passes` backward passes make a step.
        """
        subject = sight.called_with(inputs)
        self._subject = None if subject is None else weakref.ref(subject)
        self._splits.train(inputs, sight.reading.target, step=track.step, passes=passes)
        if self._splits.same_again is not None:
            track.series.signal("code/same_batch", track.step - 1, self._splits.same_again)

    @_charged
    def record_relation(self, track: Track) -> None:
        """Record how the targets of the training hang together with its inputs."""
        for name, value in self._splits.relation().items():
            track.series.signal(name, track.step, value)

    @_charged
    def enter(self, track: Track, module: nn.Module, inputs: Sequence[Any]) -> None:
        """Take what a network is given in an evaluation that is measured."""
        own = {id(parameter) for parameter in module.parameters()}
        given = inputs[0] if inputs else None
        if not own:
            return  # a loss, which is a module too
        if self._trained_at != track.step:
            self._trained = {id(p) for optimizer in track.alive() for p in parameters_of(optimizer)}
            self._trained_at = track.step
        if own.isdisjoint(self._trained):
            self._group = None
            return
        places, loaders = _caller()
        self._group = group = self._groups.setdefault((*self._place, *places, *loaders), Group())
        group.is_one_set = bool(loaders)
        # Of networks that are called one after the other the same one must be looked at as in training.
        subject = None if self._subject is None else self._subject()
        if isinstance(given, Tensor) and len(group.marks) < _BATCHES and module is subject:
            group.add(given)
        self.wants_inputs = len(group.marks) < _BATCHES

    @_charged
    def take_loss(
        self, track: Track, name: str, inputs: Sequence[Any], options: Mapping[str, Any], result: Any
    ) -> None:
        """Take a loss that is computed in an evaluation, if it is of the kind the network is trained with."""
        group, reading = self._group, track.reading
        if group is None or len(inputs) < 2 or not all(isinstance(one, Tensor) for one in (*inputs[:2], result)):
            return
        answer, target = inputs[0].detach(), inputs[1].detach()
        if _KINDS[name] != reading.kind or (reading.kind == "numbers" and (name == "mse_loss") != reading.squared):
            return
        is_sum = options.get("reduction") == "sum" or options.get("size_average") is False
        if not answer.ndim or not len(answer) or (is_sum and not reading.is_mean):
            return  # a sum has the size of the training's loss only where that is known to be a mean
        mean = result.detach().double() / max(1, target.numel()) if is_sum else result.detach().double().mean()
        group.rows += len(answer)
        group.loss = group.loss.to(result.device) + mean * len(answer)
        if reading.kind == "classes" and target.ndim + 1 == answer.ndim and not target.is_floating_point():
            right = (answer.argmax(1) == target).sum()
            counts = torch.bincount(target.flatten().clamp(min=0)).cpu().double() if target.ndim == 1 else None
            if counts is not None and self._closed < _BATCHES:
                longest = max(len(counts), len(group.counts))
                padded = [nn.functional.pad(one.double(), (0, longest - len(one))) for one in (counts, group.counts)]
                group.counts = padded[0] + padded[1]
        elif reading.kind in ("logits", "probabilities") and target.shape == answer.shape:
            right = ((answer > (0.0 if reading.kind == "logits" else 0.5)) == (target > 0.5)).sum()
        else:
            return
        group.right = group.right.to(right.device) + right
        group.asked += target.numel()

    @_charged
    def close(self, track: Track, loss: float, *, losses: int, is_last: bool = False) -> bool:
        """End an evaluation and record what it tells of the examples that the network is not trained on.

        Args:
            track: the training it belongs to.
            loss: sum of the training losses since the evaluation before.
            losses: how many these are.
            is_last: whether the training is over.
        Returns:
            whether it had a loss.
        """
        self.is_open = self.is_near = self.wants_inputs = False
        if not self.is_measured:
            return False
        self.is_measured = False
        self._closed += 1
        self._due = self._met + max(1, (self._met >= _FIRST) * self._met // 4)
        told: dict[str, float] = {}
        compare = is_last or self._closed & (self._closed - 1) == 0  # now and then: its examples stay the same
        for group in self._groups.values():
            seen = group.judge(self._splits) if compare else None
            if not told and not group.is_train:
                if group.rows:
                    told["loss/validation"] = float(group.loss) / group.rows
                    track.held_out = group.rows
                if group.asked:
                    told["score/validation/accuracy"] = float(group.right) / group.asked
                if compare:
                    told |= {
                        f"validation/{name}": value
                        for name, value in shift(self._splits.columns, group.columns).items()
                    }
                    told |= {} if seen is None else {"validation/seen_in_training_fraction": seen}
                    told |= _missing(group.counts, track)
            group.rows, group.asked = 0, 0
            group.is_closed = bool(group.marks)
            group.loss = group.right = torch.zeros(())
        if "loss/validation" in told and losses:
            told["loss/train_epoch"] = loss / losses
        for name, value in told.items():
            track.series.signal(name, max(0, track.step - 1), value)
        return "loss/validation" in told

    def look(self, module: nn.Module, tracks: Sequence[Track]) -> Iterator[tuple[Track, bool]]:
        """Yield the training a network belongs to that is being evaluated, and whether it is in train mode.

        Networks that compute the same in both modes are left out, and those that play against each other: what a
        generator is asked for between its steps are samples, which many draw in train mode on purpose (DCGAN).
        """
        self.is_near = False
        own = {id(parameter) for parameter in module.parameters()}
        for track in tracks:
            if len(tracks) > 1 and not track.series.loss_means_progress:
                continue
            trained = {id(p) for optimizer in track.alive() for p in parameters_of(optimizer)}
            if own & trained and not _recalibrates():
                if module not in self._modes:
                    self._modes[module] = knows_modes(module, trained)
                if self._modes[module]:
                    yield track, module.training


def _caller() -> tuple[list[object], list[tuple[str, int]]]:
    """Return what tells one evaluation from another that runs through the same lines: calling lines, and loaders."""
    frames = [frame for frame, _ in zip(user_frames(sys._getframe(1)), range(4), strict=False)]
    loaders = [
        (name, len(value.dataset) if hasattr(value.dataset, "__len__") else 0)
        for frame in frames[:2]
        for name, value in frame.f_locals.items()
        if isinstance(value, DataLoader)
    ]
    return [(frame.f_code, frame.f_lineno) for frame in frames[1:]], sorted(loaders)


def _missing(counts: Tensor, track: Track) -> dict[str, float]:
    """Return the share of an evaluation whose class was never seen in training, if it should have been."""
    if track.counts is None or not counts.sum() > 0:
        return {}
    known = nn.functional.pad(track.counts, (0, max(0, len(counts) - len(track.counts))))[: len(counts)]
    share = counts / counts.sum()
    missing = (known == 0) & (share * float(track.counts.sum()) > _CERTAIN) & (counts >= 5)
    return {
        "validation/missing_class_fraction": float(share[missing].sum()),
        "validation/class_distance": float((share - known / known.sum().clamp(min=1)).abs().sum()) / 2,
    }


def _recalibrates() -> bool:
    """Tell whether torch's `update_bn` is running, which is meant to run in train mode."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith("swa_utils.py"):
            return True
        frame = frame.f_back
    return False
