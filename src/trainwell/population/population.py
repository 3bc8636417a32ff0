"""Many networks as one program: parameters stacked, one step for all of them.

What a small network costs is overhead, and a step for 64 small networks costs hardly more of it than a step for one.
Member k is the network trained alone.

Letters: W members of a chunk, B examples of a batch.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainwell.core.batch import Batch
from trainwell.core.seeds import derive
from trainwell.data.batches import ArrayBatches
from trainwell.fitting.build import build_augmentation
from trainwell.optim import schedule
from trainwell.optim.functional import Settings
from trainwell.population.compatibility import Member, MemberDropout
from trainwell.population.folds import Fold, Ground
from trainwell.population.gradients import Gradient, clip, mapped, side_by_side
from trainwell.population.grouped import grouped
from trainwell.population.optimizer import StackedOptimizer
from trainwell.population.scoring import Forward, score_fold
from trainwell.population.sequential import Outcome
from trainwell.population.stack import Chunk, repack
from trainwell.recipe.sections import OptimRecipe, TaskRecipe
from trainwell.tasks import Task

WIDTH = 64  # members of a chunk: enough to share the overhead, few enough to stay near the caches (measured)
# Side by side: 32 was best for networks of 7,000 and of 25,000 numbers (measured; 16 and 64 within 10 %); where
# pictures are large, as many as keep the numbers behind the first convolution in a core's caches (LeNet-5: 4).
_BESIDE = 32
_CACHED = 5_000_000
_HYPER = tuple(name for name in Settings._fields if name != "learning_rate")
# What a schedule does not depend on.
_SAME_LAW: dict[str, Any] = {name: OptimRecipe.__dataclass_fields__[name].default for name in _HYPER}
DIVERGED = "The loss or a weight stopped being a finite number in epoch {}; the learning rate was {:.3g}."


@final
class Population:
    """Members of one key, trained together in chunks.

    Args:
        members: built members; all keys equal.
        ground: the data.
        width: members of a chunk.
    """

    def __init__(self, members: Sequence[Member], ground: Ground, *, width: int = WIDTH) -> None:
        recipe = members[0].recipe
        self._ground, self._width = ground, width
        self._epochs, self._batch_size = recipe.train.epochs, recipe.train.batch_size
        folds = {member.fold: ground.fold(member.recipe, member.fold) for member in members}
        self._folds: Mapping[int, Fold] = folds
        first = folds[members[0].fold]
        self._task: Task = ground.task(recipe, first.preparation)
        # The program; its tensors are never used.
        self._model = copy.deepcopy(members[0].model).train()
        if not any(member.recipe.nn.dropout for member in members):
            _without_dropout(self._model)
        self._grouped = grouped(self._model, first.input_shape)
        self._augment = build_augmentation(recipe, first.preparation.facts, first.preparation)
        self._base_seed = ground.plan.recipe.seed
        self._steps = len(self._batches(members[0])) * self._epochs
        self._loss_settings = _varied(self._task.settings, [member.recipe.task for member in members])
        self._clipped = any(member.recipe.train.clip_norm for member in members)
        self._gradient: Gradient = (
            side_by_side(self._grouped, self._task) if self._grouped else mapped(self._model, self._task)
        )
        numbered = list(enumerate(members))
        self.chunks = [self._stack(numbered[start : start + width]) for start in range(0, len(numbered), width)]

    def train(self, share: float, check: Callable[[], None] = lambda: None) -> None:
        """Train every member until a share of its epochs is done."""
        until = math.ceil(share * self._epochs)
        for chunk in self.chunks:
            rates = self._rates(chunk)
            while chunk.epoch < until:
                self._train_epoch(chunk, rates, check)

    def outcomes(self) -> list[Outcome]:
        """Score every member on its validation part."""
        found: dict[int, Outcome] = {}
        for chunk in self.chunks:
            found |= zip(chunk.positions, self._score(chunk), strict=True)
        return [found[position] for position in sorted(found)]

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with these members only, packed into as few chunks as they need."""
        wanted = {position: number for number, position in enumerate(positions)}
        parts = []
        for chunk in self.chunks:
            chosen = [i for i, position in enumerate(chunk.positions) if position in wanted]
            if chosen:
                part = chunk.select(chosen)
                part.positions = [wanted[position] for position in part.positions]
                parts.append(part)
        self.chunks = repack(parts, self._width)

    def weights(self, position: int) -> dict[str, Tensor]:
        """Return the parameters of one member by name."""
        for chunk in self.chunks:
            if position in chunk.positions:
                row = chunk.positions.index(position)
                return {name: tensor[row] for name, tensor in chunk.weights.items()}
        raise IndexError(position)

    def _stack(self, numbered: Sequence[tuple[int, Member]]) -> Chunk:
        # Once stacked, the networks themselves are let go of.
        members = [dataclasses.replace(member, model=self._model) for _, member in numbered]
        states = [(dict(m.model.named_parameters()), dict(m.model.named_buffers())) for _, m in numbered]
        weights = {name: torch.stack([own[name].detach() for own, _ in states]) for name in states[0][0]}
        buffers = {name: torch.stack([own[name] for _, own in states]) for name, _ in self._model.named_buffers()}
        for row, member in enumerate(members):
            for name in member.dropped:
                if name in buffers:
                    buffers[name][row] = member.recipe.nn.dropout

        def column(room: str, name: str) -> Tensor:
            return torch.tensor([float(getattr(getattr(member.recipe, room), name)) for member in members])

        optim = {name: column("optim", name) for name in _HYPER}
        optimizer = StackedOptimizer(members[0].recipe.optim.name, optim)
        return Chunk(
            members=members,
            positions=[position for position, _ in numbered],
            weights=weights,
            buffers=buffers,
            optimizer=optimizer,
            memory=optimizer.start(weights),
            hyper={name: column("task", name) for name in self._loss_settings},
            clip_norm=column("train", "clip_norm"),
            epoch=0,
            lost=torch.zeros(len(members), dtype=torch.int64),
        )

    def _train_epoch(self, chunk: Chunk, rates: Tensor, check: Callable[[], None]) -> None:
        """Train one epoch in place and note who diverged in it."""
        per_epoch = self._steps // self._epochs
        total = torch.zeros(len(chunk.members))
        step = chunk.epoch * per_epoch
        for inputs, targets, shared in self._epoch(chunk):
            check()
            # As in the loop of a single run: all randomness of a step is a function of (seed, epoch, step).
            torch.default_generator.manual_seed(derive(self._base_seed, "step", chunk.epoch, step))
            if self._augment:
                inputs = self._moved(inputs, targets, shared)
            gradients, chunk.buffers, loss = self._gradient(
                chunk.weights, chunk.buffers, chunk.hyper, batch=(inputs, targets), shared=shared
            )
            if self._clipped:
                gradients = clip(gradients, chunk.clip_norm)
            chunk.weights, chunk.memory = chunk.optimizer.step(
                chunk.weights, gradients, state=chunk.memory, rates=rates[step], number=step + 1
            )
            total += loss
            step += 1
        chunk.epoch += 1
        finite = total.isfinite()
        for weight in chunk.weights.values():
            finite &= weight.flatten(1).isfinite().all(dim=1)
        chunk.lost[(chunk.lost == 0) & ~finite] = chunk.epoch

    def _epoch(self, chunk: Chunk) -> Iterator[tuple[Tensor, Tensor, bool]]:
        """Yield inputs and targets, (B, ...) where all members see the same batch, else (W, B, ...)."""
        streams: dict[tuple[int, int], Member] = {(m.recipe.seed, m.fold): m for m in chunk.members}
        epochs = [self._batches(member).epoch(chunk.epoch) for member in streams.values()]
        if len(epochs) == 1:
            for batch in epochs[0]:
                yield batch.inputs, batch.targets, True
            return
        number = {stream: row for row, stream in enumerate(streams)}
        rows = torch.tensor([number[m.recipe.seed, m.fold] for m in chunk.members])
        for batches in zip(*epochs, strict=True):
            inputs = torch.stack([batch.inputs for batch in batches])
            targets = torch.stack([batch.targets for batch in batches])
            yield inputs.index_select(0, rows), targets.index_select(0, rows), False

    def _batches(self, member: Member) -> ArrayBatches:
        fold = self._ground.fold(member.recipe, member.fold)
        return ArrayBatches(
            fold.tensors, indices=fold.splits.train, batch_size=self._batch_size, seed=member.recipe.seed, shuffle=True
        )

    def _moved(self, inputs: Tensor, targets: Tensor, shared: bool) -> Tensor:
        assert self._augment is not None
        if shared:
            return self._augment(Batch({"inputs": inputs, "targets": targets})).inputs
        flat = self._augment(Batch({"inputs": inputs.flatten(0, 1), "targets": targets.flatten(0, 1)}))
        return flat.inputs.view_as(inputs)

    def _rates(self, chunk: Chunk) -> Tensor:
        """Return the learning rate of every step and member, (steps, W)."""
        laws: dict[Any, Tensor] = {}
        columns = []
        for member in chunk.members:
            law = dataclasses.replace(member.recipe.optim, learning_rate=1.0, **_SAME_LAW)
            if law not in laws:
                rate = schedule(law, steps=self._steps, epochs=self._epochs)
                laws[law] = torch.tensor([rate(step) for step in range(self._steps)], dtype=torch.float64)
            columns.append(laws[law] * member.recipe.optim.learning_rate)
        return torch.stack(columns, dim=1).float()

    def _score(self, chunk: Chunk) -> list[Outcome]:
        """Score the members of a chunk, fold by fold; batches of all members at once."""
        outcomes: list[Outcome | None] = [
            Outcome({}, DIVERGED.format(int(epoch), member.recipe.optim.learning_rate)) if epoch else None
            for epoch, member in zip(chunk.lost, chunk.members, strict=True)
        ]
        self._model.eval()
        for number, fold in self._folds.items():
            rows = [i for i, m in enumerate(chunk.members) if m.fold == number and outcomes[i] is None]
            if rows:
                for row, outcome in zip(rows, self._score_fold(chunk.select(rows), fold), strict=True):
                    outcomes[row] = outcome
        self._model.train()
        return [outcome for outcome in outcomes if outcome is not None]

    def _score_fold(self, chunk: Chunk, fold: Fold) -> list[Outcome]:
        tasks = [self._ground.task(member.recipe, fold.preparation) for member in chunk.members]
        return score_fold(self._forward(chunk), fold, tasks, chunk.hyper)

    def _forward(self, chunk: Chunk) -> Forward:
        """Return what computes all members' outputs for a batch that they share."""
        tensors = {**chunk.weights, **chunk.buffers}
        if self._grouped:
            run, members = self._grouped, len(chunk.members)
            return lambda inputs: run(tensors, inputs, members=members, shared=True)
        one = vmap(lambda own, inputs: functional_call(self._model, own, (inputs,)), in_dims=(0, None))
        return lambda inputs: one(tensors, inputs)


def good_width(member: Member, input_shape: Sequence[int]) -> int:
    """Return how many networks like this one make a good chunk side by side; 0 if they have to be mapped."""
    if grouped(member.model, input_shape) is None:
        return 0
    first = next((layer for layer in member.model.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None:
        return _BESIDE
    size = 4 * first.out_channels * math.prod(input_shape[1:]) * member.recipe.train.batch_size
    return int(2 ** math.floor(math.log2(min(max(_CACHED // size, 4), _BESIDE))))


def _varied(names: Sequence[str], recipes: Sequence[TaskRecipe]) -> tuple[str, ...]:
    """Return the settings that any of the recipes does not leave at its default."""
    usual = TaskRecipe()
    return tuple(name for name in names if any(getattr(recipe, name) != getattr(usual, name) for recipe in recipes))


def _without_dropout(model: nn.Module) -> None:
    """Take out the dropout that no member uses: its draws cost more than its arithmetic."""
    for path, module in list(model.named_modules()):
        if isinstance(module, MemberDropout):
            owner, _, name = path.rpartition(".")
            setattr(model.get_submodule(owner), name, nn.Identity())
