"""What the autograd graph of a loss tells: what was compared with what, and through which output layer.

The graph is there at every backward pass, however the loss was computed, so no loss function needs to be wrapped.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainwell.monitor.autograd.linear_depth import linear_depth
from trainwell.monitor.autograd.nodes import RESHAPING, below, leaf, operation, parameters
from trainwell.monitor.autograd.reading import LossReading, LossReduction

_KINDS = {
    **dict.fromkeys(("NllLoss", "NllLoss2D", "NllLossNd"), "classes"),
    "BinaryCrossEntropy": "probabilities",
    "BinaryCrossEntropyWithLogits": "logits",
    **dict.fromkeys(("MseLoss", "SmoothL1Loss", "HuberLoss"), "numbers"),
    "LogSoftmax": "distribution",
    "CtcLoss": "alignment",
    "Sub": "difference",
}
_SCALING = frozenset({"Mul", "Div", "ToCopy", "Clone", "Neg", "Where", "Sum"})
_WRAPPING = _SCALING | {"Add", "Mean", "Sum", "View", "Squeeze", "Unsqueeze", "Pow", "Abs", "Sqrt", "Stack", "Select"}
_GATHERING = RESHAPING | {"Mul", "Div", "Cat", "Index", "LogSoftmax"}
_BEFORE_LOG = RESHAPING | {"Log", "Add", "Clamp", "ClampMin", "Mul"}
_RANGES = {"Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Relu": (0.0, float("inf"))}
_MOST_NODES = 64  # Between the loss and what it compares lie a handful of nodes.
_MOST_TERMS = 4  # terms of one loss that are read
_OF_EACH_TERM = frozenset(
    "softmax_before_cross_entropy sigmoid_before_logits_loss missing_log_softmax softmax_over_batch softmax_over_one "
    "broadcast_loss target_outside_unit_interval".split()
)
_ROUNDING = 1e-6
_OFF_ONE = 0.05  # Probabilities in half precision sum to one within a hundredth.


class _Term(NamedTuple):
    """A node that compares predictions with targets, and what happened to its result afterwards.

    Args:
        node: the node.
        is_only_scaled: it was multiplied, converted and summed, but nothing was added to it.
        factor: what it was multiplied with.
        is_summed: it was summed.
    """

    node: Any
    is_only_scaled: bool
    factor: float
    is_summed: bool


def read_loss(loss: Tensor) -> LossReading:
    """Read the graph of a loss; what it does not understand is left out.

    >>> logits = torch.tensor([[2.0, 1.0]], requires_grad=True)
    >>> reading = read_loss(torch.nn.functional.cross_entropy(logits.softmax(1), torch.tensor([0])))
    >>> reading.kind, reading.reduction.is_mean, reading.signals
    ('classes', True, {'softmax_before_cross_entropy': 1.0})
    """
    if loss.grad_fn is None:
        return LossReading(signals={"loss_without_graph": 1.0})
    with torch.no_grad(), contextlib.suppress(RuntimeError):  # tensors freed by an earlier pass cannot be read
        terms = list(itertools.islice(_find_terms(loss.grad_fn), _MOST_TERMS))
        if not terms:
            return LossReading()
        reading = _read_first(terms[0])
        for term in terms[1:]:  # a fault of a further term is a fault of the whole loss
            if (reader := _READERS.get(_KINDS[operation(term.node)])) is not None:
                part = LossReading(prediction=term.node._saved_self, target=term.node._saved_target)
                reader(term.node, part)
                reading.signals |= {name: value for name, value in part.signals.items() if name in _OF_EACH_TERM}
        return reading
    return LossReading()


def _read_first(term: _Term) -> LossReading:
    """Read the term nearest to the loss."""
    node = term.node
    kind = _KINDS[operation(node)]
    reading = LossReading(kind=kind, reduction=LossReduction(factor=term.factor))
    if kind == "difference":
        _read_difference(node, reading)
    elif kind == "alignment":  # of the connectionist temporal classification
        total = node._saved_log_probs.exp().sum(-1)
        if float((total - 1).abs().max()) > _OFF_ONE:
            reading.signals["missing_log_softmax"] = float(total.max())
    elif kind == "distribution":
        reading.prediction = node._saved_result
        _read_classes(node, reading)
    else:
        reading.prediction = node._saved_self
        reading.target = node._saved_target
        reading.is_squared = operation(node) == "MseLoss"
        _read_reduction(term, reading)
        _READERS[kind](node, reading)
    if reading.target is not None and kind != "distribution" and (depth := linear_depth(node)) > 1:
        reading.signals["no_nonlinearity"] = float(depth)
    return reading


def _find_terms(root: Any) -> Iterator[_Term]:
    """Yield the terms of a loss, nearest to the loss first."""
    queue = [_Term(root, is_only_scaled=True, factor=1.0, is_summed=False)]
    seen = 0
    while queue and seen < _MOST_NODES:
        node, is_only_scaled, factor, is_summed = queue.pop(0)
        seen += 1
        name = operation(node)
        if name in _KINDS and (name != "Sub" or sum(other is None for other, _ in node.next_functions) == 1):
            yield _Term(node, is_only_scaled=is_only_scaled, factor=factor, is_summed=is_summed)
        elif name in _WRAPPING or name == "Sub":
            is_only_scaled &= name in _SCALING and sum(other is not None for other, _ in node.next_functions) == 1
            if name in ("Mul", "Div"):
                scale = getattr(node, "_saved_other", None)
                scale = float(scale) if scale is not None and getattr(scale, "numel", lambda: 1)() == 1 else 1.0
                factor = factor * scale if name == "Mul" else factor / (scale or 1.0)
            is_summed |= name == "Sum"
            factor = -factor if name == "Neg" else factor
            queue += [
                _Term(other, is_only_scaled=is_only_scaled, factor=factor, is_summed=is_summed)
                for other, _ in node.next_functions
                if other is not None
            ]


def _read_reduction(term: _Term, reading: LossReading) -> None:
    """Tell a mean over the batch from a sum, and a loss from one with the wrong sign."""
    node, is_only_scaled, factor, is_summed = term
    reduction = node._saved_reduction
    prediction = reading.prediction
    target = reading.target
    if prediction is None or target is None:
        return
    if is_summed and reduction == 0 and abs(factor * target.numel() - 1) < _ROUNDING:
        # A mean taken by hand, as Keras does.
        is_summed = False
        reduction = 1
        reading.reduction.factor = 1.0
    reading.reduction.is_mean = is_only_scaled and reduction == 1 and not is_summed
    batch = len(prediction) if prediction.ndim else 1
    if not is_only_scaled and not is_summed and reduction == 1 and getattr(node, "_saved_weight", None) is None:
        reading.reduction.data_loss = _mean_loss(reading)
    if batch > 1 and is_only_scaled and not is_summed and (reduction == 2 or abs(factor - batch) < _ROUNDING):
        reading.signals["summed_loss"] = float(batch)
    if is_only_scaled and factor < 0:
        reading.signals["negated_loss"] = 1.0


def _mean_loss(reading: LossReading) -> float | None:
    """Return the mean over the batch of what a loss compares, computed again without the penalty."""
    prediction = reading.prediction
    target = reading.target
    if prediction is None or target is None:
        return None
    if reading.kind == "classes" and target.ndim == 1 and int(target.min()) >= 0:
        return -float(prediction.gather(1, target[:, None]).mean())
    if reading.kind == "numbers" and reading.is_squared:
        return float((prediction - target).square().mean())
    if reading.kind == "logits":
        return float((nn.functional.softplus(prediction) - prediction * target).mean())
    if reading.kind == "probabilities":
        return -float((torch.xlogy(target, prediction) + torch.xlogy(1 - target, 1 - prediction)).mean())
    return None


def _read_classes(node: Any, reading: LossReading) -> None:
    log_softmax = node if operation(node) == "LogSoftmax" else below(node)
    if operation(log_softmax) != "LogSoftmax":
        largest = float(reading.prediction.max()) if reading.prediction is not None else 0.0
        if largest > _ROUNDING:
            reading.signals["missing_log_softmax"] = largest
        _read_softmax(node, reading)
        return
    _read_axis(log_softmax._saved_result, log_softmax._saved_dim, reading=reading)
    head = operation(below(log_softmax))
    if head == "Softmax":
        reading.signals["softmax_before_cross_entropy"] = 1.0
        _read_softmax(log_softmax, reading)
    elif head in _RANGES:
        reading.signals["activation_before_cross_entropy"] = 1.0
    elif (source := below(log_softmax, _GATHERING)) is not None and leaf(source) is None:
        if next(parameters(source), None) is None:  # similarities between examples, as InfoNCE takes them
            reading.signals["answers_compared"] = 1.0


def _read_softmax(node: Any, reading: LossReading) -> None:
    """Look for a softmax below the loss."""
    softmax = below(node, _BEFORE_LOG)
    if operation(softmax) == "Softmax":
        _read_axis(softmax._saved_result, softmax._saved_dim, reading=reading)


def _read_axis(result: Tensor, axis: int, *, reading: LossReading) -> None:
    axis = axis if axis < 2**31 else axis - 2**64  # stored as an unsigned number
    if result.shape[axis] == 1:
        reading.signals["softmax_over_one"] = 1.0
    elif result.ndim == 2 and axis in (0, -2) and len(result) > 1:
        reading.signals["softmax_over_batch"] = float(len(result))


def _read_logits(node: Any, reading: LossReading) -> None:
    head = operation(below(node))
    if head in ("Sigmoid", "Softmax"):
        reading.signals["sigmoid_before_logits_loss"] = 1.0
    elif head == "Relu":
        reading.signals["activation_before_cross_entropy"] = 1.0
    if reading.target is not None and reading.target.numel():
        off = max(-float(reading.target.min()), float(reading.target.max()) - 1.0)
        if off > _ROUNDING:
            reading.signals["target_outside_unit_interval"] = off
    _read_softmax(node, reading)


def _read_probabilities(node: Any, reading: LossReading) -> None:
    _read_softmax(node, reading)


def _read_numbers(node: Any, reading: LossReading) -> None:
    prediction = reading.prediction
    target = reading.target
    if prediction is None or target is None:
        return
    if _is_broadcast(prediction) and _is_broadcast(target):
        reading.signals["broadcast_loss"] = float(prediction.numel())
        return
    if target.ndim == 2 and target.shape[1] > 2 and len(target) > 1 and _is_one_hot(target):
        reading.signals["squared_error_on_classes"] = float(target.shape[1])
    low, high = _RANGES.get(operation(below(node)), (-float("inf"), float("inf")))
    outside = float(((target < low - 1e-3) | (target > high + 1e-3)).float().mean())
    reading.signals["targets_outside_output_range"] = outside
    _read_softmax(node, reading)


def _read_difference(node: Any, reading: LossReading) -> None:
    """Read a difference that the script computes itself: only the shapes are known."""
    source = next(other for other, _ in node.next_functions if other is not None)
    result = tuple(node._input_metadata[0].shape)
    before = tuple(source._input_metadata[0].shape)
    if operation(source) == "Expand":
        before = tuple(source._saved_self_sym_sizes)
        source = below(source, frozenset())
    if len(result) == 2 and result[0] == result[1] > 1 and before in ((result[0], 1), (result[0],)):
        if operation(source) != "Unsqueeze":  # an `unsqueeze` says that all pairs are meant
            reading.signals["broadcast_loss"] = float(result[0] * result[1])


def _is_broadcast(tensor: Tensor) -> bool:
    return any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True))


def _is_one_hot(target: Tensor) -> bool:
    return bool(((target == 0) | (target == 1)).all()) and bool((target.sum(1) == 1).all())


_READERS = {
    "classes": _read_classes,
    "probabilities": _read_probabilities,
    "logits": _read_logits,
    "numbers": _read_numbers,
}
