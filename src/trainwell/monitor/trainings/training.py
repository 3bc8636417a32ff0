"""One training among those a script may hold: optimizers that step together, and the network they change."""

from __future__ import annotations

import dataclasses
import math
import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.optim import Optimizer

from trainwell.core.facts import Facts
from trainwell.core.task import Task
from trainwell.monitor.autograd.graph import Reading
from trainwell.monitor.trainings.manual_updates import HandWritten
from trainwell.monitor.trainings.record import SeriesOf
from trainwell.probes import CHEAP, DEAR, Watch, norms
from trainwell.tasks import task_of_criterion

_HOOKLESS = ("updates", "inputs", "memory")  # Dear probes that put no hooks into a compiled network.
_MOST_COLUMNS = 4096
_FEWEST_TARGETS = 256  # From fewer the loss of guessing is not known well enough to be a reference.


@final
class Track:
    """Counts the steps of one training and knows what was learned about it on the way.

    Args:
        optimizers: those that step together; the first to step leads, and its steps are counted.
        series: where the numbers go.
        budget: probing time as a fraction of training time.
        hooks: whether probes may put hooks into the network.
    """

    def __init__(self, optimizers: Iterable[Optimizer], series: SeriesOf, *, budget: float, hooks: bool) -> None:
        stepping = list(optimizers)
        self.optimizers = [weakref.ref(optimizer) for optimizer in stepping]
        self.leader: int | None = None  # `id` of the optimizer whose steps are counted
        self.series = series
        self.made_at = ""  # the user's line that made the optimizer
        late = next((one for one in stepping if isinstance(one, HandWritten)), None)
        self.step = late.taken if late else 0
        self.charged = self.step  # steps whose cost has been counted
        self.model: nn.Module | None = None
        self.is_composed = False
        self.modal: nn.Module | None = None  # what is called in each step, if train mode matters to it
        self.mode: bool | None = None  # the mode in which it was trained last
        self.samples = 0
        self.before: float | None = None  # least size of the leader's gradient before a backward pass of this step
        self.after = 0.0
        self.flagged: set[str] = set()
        dear = [build() for name, build in DEAR.items() if hooks or name in _HOOKLESS]
        cheap = [build() for name, build in CHEAP.items() if hooks or name != "time"]
        self.watch = Watch(cheap, series, dear=dear, budget=budget)
        if late and math.isfinite(late.first_loss):
            series.loss(0, late.first_loss)
        self._about = ("", 0)  # the network's name and size
        self._targets = 0
        self.counts: Tensor | None = None
        self._sums = (torch.zeros(1).double(), torch.zeros(1).double())  # of each column, and of its squares
        self.reading = Reading()
        self.held_out = 0  # examples of an evaluation
        self._batch = 0

    def alive(self) -> list[Optimizer]:
        """Return the optimizers that still exist."""
        return [optimizer for reference in self.optimizers if (optimizer := reference()) is not None]

    def led(self) -> list[Tensor]:
        """Return the parameters of the leading optimizer."""
        led = [one for one in self.alive() if self.leader in (None, id(one))]
        return parameters_of(led[0]) if led else []

    def rate(self) -> float:
        """Return the highest learning rate that is set now."""
        rates = [float(group.get("lr", math.nan)) for one in self.alive() for group in one.param_groups]
        return max(rates, default=math.nan)

    def start(self, model: nn.Module, *, step: int) -> None:
        """Prepare the sample of a step for a network."""
        self.model = model
        name = (isinstance(model, Loose) and model.name) or type(model).__name__
        self._about = (name, sum(p.numel() for p in model.parameters() if p.requires_grad))
        self.watch.start(model, step)

    def retire(self) -> None:
        """Let go of a network that is not trained any more."""
        self.watch.stop()
        self.model = self.modal = None

    def note_mode(self, step: int) -> None:
        """Record the mode in which a step is made, when it changes."""
        if self.modal is not None and self.modal.training != self.mode:
            self.mode = self.modal.training
            self.series.signal("code/training_in_eval_mode", step, float(not self.mode))

    def learn(self, reading: Reading) -> dict[str, float]:
        """Take note of the targets of one sample, and return what their order tells."""
        target, prediction = reading.target, reading.prediction
        self.reading = dataclasses.replace(reading, target=None, prediction=None)  # they keep the graph alive
        self._batch = len(prediction) if prediction is not None and prediction.ndim else 0
        if target is None or not target.numel():
            return {}
        told = self._learn_targets(reading, target)
        if reading.part is not None:
            told |= {"code/data_loss": reading.part} | (
                {"code/data_chance": chance} if (chance := self._chance()) else {}
            )
        return told

    def _learn_targets(self, reading: Reading, target: Tensor) -> dict[str, float]:
        if reading.kind == "numbers" or target.is_floating_point():
            values = target.detach().float().cpu()
            # The best constant answer may differ from column to column.
            is_table = values.ndim > 1 and values[0].numel() <= _MOST_COLUMNS
            rows = values.flatten(1) if is_table else values.reshape(-1, 1)
            self._targets += len(rows)
            sums = (rows.sum(0).double(), rows.square().sum(0).double())
            known = len(self._sums[0]) == rows.shape[1]
            self._sums = (self._sums[0] + sums[0], self._sums[1] + sums[1]) if known else sums
            return {"target/std": float(rows.std(0, correction=0).max())}
        flat = target.flatten()
        counts = torch.bincount(flat[flat >= 0]).float().cpu()
        count = float(counts.sum())
        if self.counts is not None and len(self.counts) > len(counts):
            counts = nn.functional.pad(counts, (0, len(self.counts) - len(counts)))
        elif self.counts is not None:
            self.counts = nn.functional.pad(self.counts, (0, len(counts) - len(self.counts)))
        self.counts = counts.clone() if self.counts is None else self.counts + counts
        self._targets += int(count)
        if target.ndim != 1 or count < 8:
            return {}
        same = float((counts.square().sum() - count) / (count * (count - 1)))
        expected = float((self.counts / self.counts.sum()).square().sum())
        return {"target/same_fraction": same, "target/expected_same_fraction": expected}

    def facts(self, *, source: str, steps: int = 0) -> Facts:
        """Return what is known by now, as far as the rules may build on it."""
        reading = self.reading
        task = task_of_criterion(reading.kind)
        counts = () if self.counts is None else tuple(int(count) for count in self.counts)
        first = next(iter(self.alive()), None)
        return Facts(
            source=source,
            model=self._about[0],
            task=task.name if task else "",
            has_classes=task is not None and task.has_classes and bool(counts),
            numeric_target=task is not None and task.is_numeric,
            initial_loss_limits=(task or Task).initial_loss_limits,
            class_counts=counts,
            chance_loss=self._chance() if reading.is_mean else None,
            sizes={"validation": self.held_out} if self.held_out else {},
            parameters=self._about[1],
            batch_size=self._batch,
            steps=steps,
            optimizer=type(first).__name__ if first is not None else "",
            learning_rate=max(filter(math.isfinite, self.series.signals["rate/learning_rate"].values), default=None),
        )

    def _chance(self) -> float | None:
        """Estimate the mean loss of the best constant answer from the targets that were seen."""
        if self._targets < _FEWEST_TARGETS:
            return None
        if self.counts is not None:
            shares = [share for share in (self.counts / self.counts.sum()).tolist() if share > 0]
            entropy: float = -sum(share * math.log(share) for share in shares)
            return entropy + (len(shares) - 1) / (2 * self._targets)  # Miller and Madow: samples look too pure
        means = self._sums[0] / self._targets
        squares = self._sums[1] / self._targets
        variance = float((squares - means.square()).mean())
        if self.reading.kind == "numbers" and self.reading.squared:
            return variance or None
        binary = self.reading.kind in ("logits", "probabilities") and bool(((squares - means).abs() < 1e-3).all())
        if binary and bool(((means > 0) & (means < 1)).any()):
            return float(-(torch.xlogy(means, means) + torch.xlogy(1 - means, 1 - means)).mean())
        return None


class Loose(nn.Module):
    """Stands for a network whose parameters lie about in no module that was called.

    Args:
        parameters: name to tensor.
        name: what the network is called; empty if nobody knows.
        layers: its layers, by the names their user knows.
    """

    def __init__(
        self, parameters: dict[str, Any], *, name: str = "", layers: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__()
        self._loose = parameters
        self._layers = dict(layers or {})
        self.name = name

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield itself and the layers."""
        yield prefix, self
        yield from self._layers.items()

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield the parameters."""
        yield from self._loose.items()


def parameters_of(optimizer: Optimizer) -> list[Tensor]:
    """Return the parameters an optimizer changes."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def gradient_size(parameters: Iterable[Tensor]) -> float:
    """Return the size of the gradient that lies in parameters, 0 if none does."""
    gradients = [p.grad.detach() for p in parameters if p.grad is not None]
    dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
    if not dense:
        return 0.0
    device = dense[0].device
    return float(torch.stack(norms([gradient for gradient in dense if gradient.device == device])).norm())


def knows_modes(model: nn.Module, trained: set[int]) -> bool:
    """Tell whether a network computes otherwise in train mode than in eval mode, where it is trained.

    Args:
        model: the network.
        trained: `id`s of the parameters that an optimizer changes.
    """
    whole = sum(p.numel() for p in model.parameters())
    mostly = 2 * sum(p.numel() for p in model.parameters() if p.requires_grad and id(p) in trained) >= whole
    for module in model.modules():
        if isinstance(module, _BatchNorm) and module.track_running_stats:
            if module.weight is None or (module.weight.requires_grad and id(module.weight) in trained):
                return True
        if mostly and (
            (isinstance(module, _DropoutNd) and module.p > 0) or (isinstance(module, nn.RNNBase) and module.dropout > 0)
        ):
            return True
    return False


def untouched(module: nn.Module) -> bool:
    """Tell whether a linear or convolutional layer is frozen with the random weights PyTorch began it with.

    >>> layer = nn.Linear(30, 40).requires_grad_(False)
    >>> untouched(layer), untouched(nn.Linear(30, 40))
    (True, False)
    """
    if not isinstance(module, (nn.Linear, nn.modules.conv._ConvNd)) or module.weight.requires_grad:
        return False
    weight = module.weight.detach()
    count, inputs = weight.numel(), weight[0].numel()
    # kaiming_uniform_(a=sqrt(5)) draws evenly from -1/sqrt(inputs) to 1/sqrt(inputs); few weights scatter more.
    bound, scatter = 1 / math.sqrt(inputs), 1 / math.sqrt(count)
    spread, largest = float(weight.std()) / (bound / math.sqrt(3)), float(weight.abs().max()) / bound
    return count >= 64 and abs(spread - 1) < 0.05 + scatter and 1 - 6 / count < largest <= 1 + 1e-5
