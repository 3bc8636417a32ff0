"""Many networks as one program: parameters stacked, one step mapped over them with torch.func.

Written for one network and mapped by `vmap`, a step costs hardly more for 32 small networks than for one, because
what a small network costs is overhead. Member k is the network trained alone.

Letters: W members of a chunk, B examples of a batch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from trainwell.assemble.build import EVALUATION_BATCH, build_augmentation
from trainwell.core.batch import Batch
from trainwell.core.seeds import derive
from trainwell.data.batches import ArrayBatches
from trainwell.optim import schedule
from trainwell.optim.functional import FUNCTIONAL, Functional, Settings
from trainwell.search.ground import Fold, Ground
from trainwell.search.member import Member, MemberDropout
from trainwell.search.sequential import Outcome
from trainwell.tasks import Task

WIDTH = 64  # members of a chunk: enough to share the overhead, few enough to stay near the caches (measured)
Stacked = dict[str, Tensor]
_HYPER = ("momentum", "nesterov", "beta1", "beta2", "epsilon", "weight_decay")
DIVERGED = "The loss or a weight stopped being a finite number in epoch {}; the learning rate was {:.3g}."


@dataclass
class Chunk:
    """The tensors of some members; every leading axis is (W,).

    Args:
        members: who they are.
        positions: their places in the population.
        weights: parameters by name.
        buffers: buffers by name: running statistics, probabilities of dropout.
        memory: what the optimizer remembers.
        hyper: settings by name.
        epoch: epochs done.
        lost: (W,) the epoch in which a member diverged, from 1; 0 if it did not.
    """

    members: list[Member]
    positions: list[int]
    weights: Stacked
    buffers: Stacked
    memory: dict[str, tuple[Tensor, ...]]
    hyper: Stacked
    epoch: int
    lost: Tensor

    def select(self, chosen: Sequence[int]) -> Chunk:
        """Return a chunk of some of the members."""
        rows = torch.tensor(chosen, dtype=torch.int64)

        def pick(tensors: Stacked) -> Stacked:
            return {name: tensor.index_select(0, rows) for name, tensor in tensors.items()}

        return Chunk(
            [self.members[i] for i in chosen],
            [self.positions[i] for i in chosen],
            pick(self.weights),
            pick(self.buffers),
            {name: tuple(slot.index_select(0, rows) for slot in slots) for name, slots in self.memory.items()},
            pick(self.hyper),
            self.epoch,
            self.lost.index_select(0, rows),
        )


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
        self._law: Functional = FUNCTIONAL[recipe.optim.name]
        folds = {member.fold: ground.fold(member.recipe, member.fold) for member in members}
        self._folds: Mapping[int, Fold] = folds
        first = folds[members[0].fold]
        self._task: Task = ground.task(recipe, first.preparation)
        self._model = members[0].model  # the program; its tensors are never used
        if not any(member.recipe.nn.dropout for member in members):
            _without_dropout(self._model)
        self._augment = build_augmentation(recipe, pictures=len(first.input_shape) == 3)
        self._base_seed = ground.plan.recipe.seed
        self._steps = len(self._batches(members[0])) * self._epochs
        smoothed = any(member.recipe.task.label_smoothing for member in members) and self._task.name == "classify"
        clipped = any(member.recipe.train.clip_norm for member in members)
        self._one_gradient = one_gradient(self._model, self._loss(smoothed), clipped=clipped)
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
        self.chunks = _repack(parts, self._width)

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
        models = [member.model for _, member in numbered]
        parameters = [dict(model.named_parameters()) for model in models]
        used = {name for name, _ in self._model.named_buffers()}
        buffers = [{name: b for name, b in model.named_buffers() if name in used} for model in models]
        weights = {name: torch.stack([p[name].detach() for p in parameters]) for name in parameters[0]}
        values = [{name: float(getattr(m.recipe.optim, name)) for name in _HYPER} for m in members]
        extra = [{"smoothing": m.recipe.task.label_smoothing, "clip": m.recipe.train.clip_norm} for m in members]
        hyper = {
            name: torch.tensor([{**v, **e}[name] for v, e in zip(values, extra, strict=True)])
            for name in (*_HYPER, "smoothing", "clip")
        }
        return Chunk(
            members=members,
            positions=[position for position, _ in numbered],
            weights=weights,
            buffers={name: torch.stack([b[name] for b in buffers]) for name in buffers[0]},
            memory=self._law.start(weights),
            hyper=hyper,
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
            mapped = None if shared else 0
            run = vmap(self._one_gradient, in_dims=(0, 0, 0, mapped), randomness="same")
            gradients, chunk.buffers, loss = run(chunk.weights, chunk.buffers, chunk.hyper, (inputs, targets))
            settings = Settings(rates[step], **{name: chunk.hyper[name] for name in _HYPER})
            chunk.weights, chunk.memory = self._law.update(
                chunk.weights, gradients, memory=chunk.memory, settings=settings, number=step + 1, stacked=True
            )
            total += loss.detach()
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
        laws: dict[Any, list[float]] = {}
        columns = []
        for member in chunk.members:
            recipe = member.recipe.optim
            key = (recipe.schedule, recipe.warmup, recipe.step_epochs, recipe.step_factor, recipe.learning_rate)
            if key not in laws:
                rate = schedule(recipe, steps=self._steps, epochs=self._epochs)
                laws[key] = [rate(step) for step in range(self._steps)]
            columns.append(laws[key])
        return torch.tensor(columns, dtype=torch.float32).T.contiguous()

    def _loss(self, smoothed: bool) -> Callable[[Tensor, Batch, Mapping[str, Tensor]], Tensor]:
        task = self._task
        if task.name != "classify":
            return lambda outputs, batch, hyper: task.loss(outputs, batch)
        if not smoothed:
            return lambda outputs, batch, hyper: cross_entropy(outputs, batch.targets)
        return lambda outputs, batch, hyper: cross_entropy(outputs, batch.targets, hyper["smoothing"])

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
        tallies = [task.tally() for task in tasks]
        totals = torch.zeros(len(tallies), dtype=torch.float64)
        batches = ArrayBatches(fold.tensors, indices=fold.splits.validation, batch_size=EVALUATION_BATCH)

        def forward(weights: Stacked, buffers: Stacked, inputs: Tensor) -> Any:
            return functional_call(self._model, {**weights, **buffers}, (inputs,))

        with torch.no_grad():
            for batch in batches.epoch(0):
                outputs = vmap(forward, in_dims=(0, 0, None))(chunk.weights, chunk.buffers, batch.inputs)
                for row, tally in enumerate(tallies):
                    tally.add(outputs[row], batch)
                    totals[row] += tasks[row].loss(outputs[row], batch).double() * len(batch)
        size = len(fold.splits.validation)
        outcomes = []
        for tally, total in zip(tallies, (totals / size).tolist(), strict=True):
            if math.isfinite(total):
                outcomes.append(Outcome({"loss": total, **tally.scores()}))
            else:
                outcomes.append(Outcome({}, f"The validation loss became {total}."))
        return outcomes


def one_gradient(
    model: nn.Module, loss: Callable[[Tensor, Batch, Mapping[str, Tensor]], Tensor], *, clipped: bool
) -> Callable[..., tuple[Stacked, Stacked, Tensor]]:
    """Return the gradient of one network as a pure function, to be mapped over members.

    The function takes weights, buffers, settings and the batch's (inputs, targets); it returns the gradients, the new
    buffers and the loss.
    """

    def forward(
        weights: Stacked, buffers: Stacked, hyper: Stacked, batch: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Stacked]:
        live = {name: buffer.clone() for name, buffer in buffers.items()}  # layers write into their buffers
        outputs = functional_call(model, {**weights, **live}, (batch[0],))
        return loss(outputs, Batch({"inputs": batch[0], "targets": batch[1]}), hyper), live

    derived = grad_and_value(forward, has_aux=True)

    def gradient(
        weights: Stacked, buffers: Stacked, hyper: Stacked, batch: tuple[Tensor, Tensor]
    ) -> tuple[Stacked, Stacked, Tensor]:
        gradients, (value, buffers) = derived(weights, buffers, hyper, batch)
        return (_clip(gradients, hyper["clip"]) if clipped else gradients), buffers, value

    return gradient


def cross_entropy(outputs: Tensor, targets: Tensor, smoothing: Tensor | None = None) -> Tensor:
    """Return the mean cross-entropy, as torch's; mapped over members it is several times as fast.

    Classes come first, so that sums over a few classes run along many examples; torch's own rule for vmap sums
    along the classes, ten numbers at a time.

    >>> logits, targets = torch.tensor([[1.0, 2.0]]), torch.tensor([0])
    >>> torch.allclose(cross_entropy(logits, targets), nn.functional.cross_entropy(logits, targets))
    True
    """
    columns = outputs.T
    shifted = columns - columns.detach().amax(0)
    scale = shifted.exp().sum(0).log()
    sharp = (scale - shifted.gather(0, targets[None])[0]).mean()
    if smoothing is None:
        return sharp
    return (1 - smoothing) * sharp + smoothing * (scale - shifted.mean(0)).mean()


def _without_dropout(model: nn.Module) -> None:
    """Take out the dropout that no member uses: its draws cost more than its arithmetic."""
    for path, module in list(model.named_modules()):
        if isinstance(module, MemberDropout):
            owner, _, name = path.rpartition(".")
            setattr(model.get_submodule(owner), name, nn.Identity())


def _clip(gradients: Stacked, limit: Tensor) -> Stacked:
    """Scale the gradient down to a norm of `limit` as torch's clip_grad_norm_ does; a limit of 0 leaves it."""
    norm = torch.stack([gradient.square().sum() for gradient in gradients.values()]).sum().sqrt()
    factor = torch.where(limit > 0, (limit / (norm + 1e-6)).clamp(max=1.0), torch.ones_like(norm))
    return {name: gradient * factor for name, gradient in gradients.items()}


def _repack(parts: Sequence[Chunk], width: int) -> list[Chunk]:
    """Join chunks and cut them anew."""
    if not parts:
        return []

    def join(tensors: Sequence[Stacked]) -> Stacked:
        return {name: torch.cat([each[name] for each in tensors]) for name in tensors[0]}

    whole = Chunk(
        [member for part in parts for member in part.members],
        [position for part in parts for position in part.positions],
        join([part.weights for part in parts]),
        join([part.buffers for part in parts]),
        {
            name: tuple(torch.cat(slots) for slots in zip(*(part.memory[name] for part in parts), strict=True))
            for name in parts[0].memory
        },
        join([part.hyper for part in parts]),
        parts[0].epoch,
        torch.cat([part.lost for part in parts]),
    )
    size = len(whole.members)
    return [whole.select(range(start, min(start + width, size))) for start in range(0, size, width)]
