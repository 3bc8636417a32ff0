"""What the autograd graph of a loss tells: what was compared with what, and through which head.

The graph is there at every backward pass, whichever way the loss was computed, so nothing needs to be wrapped.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

_CLASSES, _NUMBERS = ("NllLoss", "NllLoss2D", "NllLossNd"), ("MseLoss", "SmoothL1Loss", "HuberLoss")
_KINDS = {
    **dict.fromkeys(_CLASSES, "classes"),
    "BinaryCrossEntropy": "probabilities",
    "BinaryCrossEntropyWithLogits": "logits",
    **dict.fromkeys(_NUMBERS, "numbers"),
    "LogSoftmax": "distribution",
    "CtcLoss": "alignment",
    "Sub": "difference",
}
_SCALING = frozenset({"Mul", "Div", "ToCopy", "Clone", "Neg", "Where", "Sum"})
_WRAPPING = _SCALING | {"Add", "Mean", "Sum", "View", "Squeeze", "Unsqueeze", "Pow", "Abs", "Sqrt", "Stack", "Select"}
_RESHAPING = frozenset(
    {"View", "UnsafeView", "Squeeze", "Unsqueeze", "Transpose", "Permute", "T", "ToCopy", "Clone", "Alias", "Select"}
    | {"Slice", "Expand", "Contiguous", "AsStrided", "ReshapeAlias"}
)
_GATHERING = _RESHAPING | {"Mul", "Div", "Cat", "Index", "LogSoftmax"}
_BEFORE_LOG = _RESHAPING | {"Log", "Add", "Clamp", "ClampMin", "Mul"}
_RANGES = {"Sigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0), "Relu": (0.0, float("inf"))}
_WEIGHTED = ("Addmm", "Mm", "Convolution")
_LINEAR = _RESHAPING | {*_WEIGHTED, "Add", "NativeDropout"}
WHOLE = "the loss as a whole"
"""Where a number came from if no operation can be told apart."""

_MOST_NODES = 64  # Between the loss and what it compares lie a handful of nodes.
_MOST_NODES_TRACED = 100_000
_MOST_LOSSES = 4  # parts of one loss that are read
_OF_EACH_PART = frozenset(
    "softmax_before_cross_entropy sigmoid_before_logits_loss missing_log_softmax softmax_over_batch softmax_over_one "
    "broadcast_loss target_outside_unit_interval".split()
)
_ROUNDING = 1e-6
_OFF_ONE = 0.05  # Probabilities in half precision sum to one within a hundredth.
_LOGARITHMS = ("log", "log2", "log10")


@dataclass
class Reading:
    """What is known of one loss.

    Args:
        kind: "classes", "distribution", "alignment", "probabilities", "logits", "numbers", "difference", or "" if
            unknown.
        prediction: what was compared, as the loss received it.
        target: what it was compared with.
        is_mean: the loss is a mean over the batch and nothing else: fit to be compared with that of guessing.
        squared: it is the mean square of the difference.
        factor: what the mean was multiplied with (1 / micro-batches, a gradient scaler's scale).
        part: the mean by itself, where something was added to it; None if it stands alone or is not known.
        signs: signals of faults by name, "softmax_before_cross_entropy": 1.0.
    """

    kind: str = ""
    prediction: Tensor | None = None
    target: Tensor | None = None
    is_mean: bool = False
    squared: bool = False
    factor: float = 1.0
    part: float | None = None
    signs: dict[str, float] = field(default_factory=dict)


def operation(node: Any) -> str:
    """Return the name of the operation of a node.

    >>> operation(torch.ones(2, requires_grad=True).sum().grad_fn)
    'Sum'
    """
    return "" if node is None else re.sub(r"Backward\d*$", "", node.name()).rpartition("::")[2]


def read_loss(loss: Tensor) -> Reading:
    """Read the graph of a loss; whatever it does not understand it leaves out.

    >>> logits = torch.tensor([[2.0, 1.0]], requires_grad=True)
    >>> reading = read_loss(torch.nn.functional.cross_entropy(logits.softmax(1), torch.tensor([0])))
    >>> reading.kind, reading.is_mean, reading.signs
    ('classes', True, {'softmax_before_cross_entropy': 1.0})
    """
    if loss.grad_fn is None:
        return Reading(signs={"loss_without_graph": 1.0})
    with torch.no_grad(), contextlib.suppress(RuntimeError):  # what an earlier pass has freed cannot be read
        found = list(itertools.islice(_find_losses(loss.grad_fn), _MOST_LOSSES))
        if not found:
            return Reading()
        node, only_scaled, factor, is_summed = found[0]
        kind = _KINDS[operation(node)]
        reading = Reading(kind=kind, factor=factor)
        if kind == "difference":
            _read_difference(node, reading)
        elif kind == "alignment":  # of the connectionist temporal classification
            total = node._saved_log_probs.exp().sum(-1)
            if float((total - 1).abs().max()) > _OFF_ONE:
                reading.signs["missing_log_softmax"] = float(total.max())
        elif kind == "distribution":
            reading.prediction = node._saved_result
            _read_classes(node, reading)
        else:
            reading.prediction, reading.target = node._saved_self, node._saved_target
            reading.squared = operation(node) == "MseLoss"
            _read_reduction(node, reading, only_scaled=only_scaled, is_summed=is_summed)
            _READERS[kind](node, reading)
        if reading.target is not None and kind != "distribution" and (depth := linear_depth(node)) > 1:
            reading.signs["no_nonlinearity"] = float(depth)
        for other, *_ in found[1:]:  # further parts of the loss: what is wrong with one is wrong with the whole
            if (reader := _READERS.get(_KINDS[operation(other)])) is not None:
                part = Reading(prediction=other._saved_self, target=other._saved_target)
                reader(other, part)
                reading.signs |= {name: value for name, value in part.signs.items() if name in _OF_EACH_PART}
        return reading
    return Reading()


def _read_reduction(node: Any, reading: Reading, *, only_scaled: bool, is_summed: bool) -> None:
    """Tell a mean over the batch from a sum, and a loss from one with the wrong sign."""
    reduction, factor, answer, target = node._saved_reduction, reading.factor, reading.prediction, reading.target
    if answer is None or target is None:
        return
    if is_summed and reduction == 0 and abs(factor * target.numel() - 1) < _ROUNDING:
        is_summed, reduction, reading.factor = False, 1, 1.0  # a mean taken by hand, as Keras does
    reading.is_mean = only_scaled and reduction == 1 and not is_summed
    batch = len(answer) if answer.ndim else 1
    if not only_scaled and not is_summed and reduction == 1 and getattr(node, "_saved_weight", None) is None:
        reading.part = _mean_loss(reading.kind, answer, target, squared=reading.squared)
    if batch > 1 and only_scaled and not is_summed and (reduction == 2 or abs(factor - batch) < _ROUNDING):
        reading.signs["summed_loss"] = float(batch)
    if only_scaled and factor < 0:
        reading.signs["negated_loss"] = 1.0


def _mean_loss(kind: str, answer: Tensor, target: Tensor, *, squared: bool) -> float | None:
    """Return the mean over the batch of what a loss compares, computed anew."""
    if kind == "classes" and target.ndim == 1 and int(target.min()) >= 0:
        return -float(answer.gather(1, target[:, None]).mean())
    if kind == "numbers" and squared:
        return float((answer - target).square().mean())
    if kind == "logits":
        return float((nn.functional.softplus(answer) - answer * target).mean())
    if kind == "probabilities":
        return -float((torch.xlogy(target, answer) + torch.xlogy(1 - target, 1 - answer)).mean())
    return None


def linear_depth(loss: Any) -> int:
    """Return how many linear layers follow one another in the network whose answer a loss compares.

    0 if anything in it bends, and where a layer narrower than both ends makes a factorisation of it.
    """
    depths: dict[Any, int] = {}
    widths: list[tuple[int, int]] = []
    few = [node for node in itertools.islice(nodes(loss), _MOST_NODES + 2) if node is not loss]
    if len(few) > _MOST_NODES:
        return 0
    ordered = sorted(few, key=lambda node: node._sequence_nr())
    for node in ordered:
        name = operation(node)
        is_scaled = name in ("Mul", "Div", "Sub") and sum(other is not None for other, _ in node.next_functions) == 1
        if name not in _LINEAR and not is_scaled and (name != "LogSoftmax" or node is not ordered[-1]):
            return 0
        below = max((depths.get(other, 0) for other, _ in node.next_functions), default=0)
        weights = [p for p in _parameters(node) if p.ndim > 1] if name in _WEIGHTED else []
        widths += [(weight[0].numel(), len(weight)) for weight in weights]
        depths[node] = below + bool(weights)
    inner = min((width for _, width in widths[:-1]), default=0)
    is_narrow = bool(widths) and inner < min(widths[0][0], widths[-1][1])
    return 0 if is_narrow else max(depths.values(), default=0)


def _find_losses(root: Any) -> Iterator[tuple[Any, bool, float, bool]]:
    """Yield the nodes that compare, whether each was only scaled and summed afterwards, the factor, and if summed."""
    queue, seen = [(root, True, 1.0, False)], 0
    while queue and seen < _MOST_NODES:
        node, only_scaled, factor, is_summed = queue.pop(0)
        seen += 1
        name = operation(node)
        if name in _KINDS and (name != "Sub" or sum(other is None for other, _ in node.next_functions) == 1):
            yield node, only_scaled, factor, is_summed
        elif name in _WRAPPING or name == "Sub":
            only_scaled &= name in _SCALING and sum(other is not None for other, _ in node.next_functions) == 1
            if name in ("Mul", "Div"):
                scale = getattr(node, "_saved_other", None)
                scale = float(scale) if scale is not None and getattr(scale, "numel", lambda: 1)() == 1 else 1.0
                factor = factor * scale if name == "Mul" else factor / (scale or 1.0)
            is_summed |= name == "Sum"
            factor = -factor if name == "Neg" else factor
            queue += [(other, only_scaled, factor, is_summed) for other, _ in node.next_functions if other is not None]


def _below(node: Any, passing: frozenset[str] | set[str] = _RESHAPING) -> Any:
    """Return what lies below a node, beyond what only changes shapes."""
    for _ in range(_MOST_NODES):
        below = next((other for other, _ in node.next_functions if other is not None), None)
        if below is None or operation(below) not in passing:
            return below
        node = below
    return None


def _read_classes(node: Any, reading: Reading) -> None:
    below = node if operation(node) == "LogSoftmax" else _below(node)
    if operation(below) != "LogSoftmax":
        largest = float(reading.prediction.max()) if reading.prediction is not None else 0.0
        if largest > _ROUNDING:
            reading.signs["missing_log_softmax"] = largest
        _read_softmax(node, reading)
        return
    result, axis = below._saved_result, below._saved_dim
    _read_axis(result, axis, reading)
    head = operation(_below(below))
    if head == "Softmax":
        reading.signs["softmax_before_cross_entropy"] = 1.0
        _read_softmax(below, reading)
    elif head in _RANGES:
        reading.signs["activation_before_cross_entropy"] = 1.0
    elif (maker := _below(below, _GATHERING)) is not None and not hasattr(maker, "variable"):
        if next(_parameters(maker), None) is None:  # similarities between examples, as InfoNCE takes them
            reading.signs["answers_compared"] = 1.0


def _read_softmax(node: Any, reading: Reading) -> None:
    """Look for a softmax that prepares what a loss is given."""
    softmax = _below(node, _BEFORE_LOG)
    if operation(softmax) == "Softmax":
        _read_axis(softmax._saved_result, softmax._saved_dim, reading)


def _read_axis(result: Tensor, axis: int, reading: Reading) -> None:
    axis = axis if axis < 2**31 else axis - 2**64  # stored as an unsigned number
    if result.shape[axis] == 1:
        reading.signs["softmax_over_one"] = 1.0
    elif result.ndim == 2 and axis in (0, -2) and len(result) > 1:
        reading.signs["softmax_over_batch"] = float(len(result))


def _read_logits(node: Any, reading: Reading) -> None:
    head = operation(_below(node))
    if head in ("Sigmoid", "Softmax"):
        reading.signs["sigmoid_before_logits_loss"] = 1.0
    elif head == "Relu":
        reading.signs["activation_before_cross_entropy"] = 1.0
    if reading.target is not None and reading.target.numel():
        off = max(-float(reading.target.min()), float(reading.target.max()) - 1.0)
        if off > _ROUNDING:
            reading.signs["target_outside_unit_interval"] = off
    _read_softmax(node, reading)


def _read_probabilities(node: Any, reading: Reading) -> None:
    _read_softmax(node, reading)


def _read_numbers(node: Any, reading: Reading) -> None:
    prediction, target = reading.prediction, reading.target
    if prediction is None or target is None:
        return
    if _stretched(prediction) and _stretched(target):
        reading.signs["broadcast_loss"] = float(prediction.numel())
        return
    if target.ndim == 2 and target.shape[1] > 2 and len(target) > 1 and _is_one_hot(target):
        reading.signs["squared_error_on_classes"] = float(target.shape[1])
    low, high = _RANGES.get(operation(_below(node)), (-float("inf"), float("inf")))
    outside = float(((target < low - 1e-3) | (target > high + 1e-3)).float().mean())
    reading.signs["targets_outside_output_range"] = outside
    _read_softmax(node, reading)


def _read_difference(node: Any, reading: Reading) -> None:
    """A difference computed by hand: only the shapes are known."""
    answer = next(other for other, _ in node.next_functions if other is not None)
    result, before = tuple(node._input_metadata[0].shape), tuple(answer._input_metadata[0].shape)
    if operation(answer) == "Expand":
        before = tuple(answer._saved_self_sym_sizes)
        answer = _below(answer, frozenset())
    if len(result) == 2 and result[0] == result[1] > 1 and before in ((result[0], 1), (result[0],)):
        if operation(answer) != "Unsqueeze":  # then the pairs are meant
            reading.signs["broadcast_loss"] = float(result[0] * result[1])


def _stretched(tensor: Tensor) -> bool:
    return any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True))


def _is_one_hot(target: Tensor) -> bool:
    return bool(((target == 0) | (target == 1)).all()) and bool((target.sum(1) == 1).all())


_READERS = {
    "classes": _read_classes,
    "probabilities": _read_probabilities,
    "logits": _read_logits,
    "numbers": _read_numbers,
}


def nonfinite_origin(loss: Tensor, names: dict[int, str], *, of_gradient: bool = False) -> tuple[str, float]:
    """Say where the first number that is not finite came from, by walking the graph in the order of the forward pass.

    Args:
        loss: the loss, before its backward pass.
        names: names of the parameters by their `id`.
        of_gradient: look for what will break the gradient, though the loss may be finite: the root of zero.
    Returns:
        "input", "weights", or an operation: "log after head"; and the share of its numbers that is not finite.

    >>> x = torch.tensor([0.0, 1.0], requires_grad=True)
    >>> nonfinite_origin((torch.log(x * 2) * 3).sum(), {id(x): "head.weight"})
    ('log after head', 0.5)
    """
    last = ""
    with torch.no_grad():
        for node in sorted(nodes(loss.grad_fn), key=lambda node: (node._sequence_nr(), node.name())):
            if not all(bool(torch.isfinite(parameter).all()) for parameter in _parameters(node)):
                return "weights", 1.0
            if (found := _broken_at(node, of_gradient)) is not None:
                maker, share = found
                return maker if maker in ("input", "target") or not last else f"{maker} after {last}", share
            for parameter in _parameters(node):
                last = names.get(id(parameter), "").rpartition(".")[0] or last
    return WHOLE, 1.0


def origin_signal(origin: str) -> str:
    """Return the name of the signal that tells of an origin.

    >>> origin_signal("input"), origin_signal("log after head")
    ('input/nonfinite_fraction', 'code/nonfinite/log after head')
    """
    return f"{origin}/nonfinite_fraction" if origin in ("input", "target") else f"code/nonfinite/{origin}"


def nodes(root: Any) -> Iterator[Any]:
    """Yield the operations of a graph, from its end on."""
    waiting, seen = [root], {root}
    while waiting and len(seen) < _MOST_NODES_TRACED:
        node = waiting.pop()
        if node is None or hasattr(node, "variable"):
            continue
        yield node
        for below, _ in node.next_functions:
            if below not in seen:
                seen.add(below)
                waiting.append(below)


def _parameters(node: Any) -> Iterator[Tensor]:
    """Yield the parameters an operation uses, also those it uses transposed."""
    for below, _ in node.next_functions:
        if operation(below) == "T":
            below = below.next_functions[0][0]
        if (variable := getattr(below, "variable", None)) is not None:
            yield variable


def _broken_at(node: Any, of_gradient: bool) -> tuple[str, float] | None:
    """Return the operation that made numbers not finite, as far as this node has kept them, and their share."""
    own = _plain(node)
    for name in dir(node):
        if not name.startswith("_saved_"):
            continue
        with contextlib.suppress(RuntimeError):  # what this pass has freed already
            kept = getattr(node, name)
            if not isinstance(kept, Tensor) or not kept.is_floating_point() or not kept.numel():
                continue
            bad = ~torch.isfinite(kept)
            if bad.any():
                if name == "_saved_target":
                    return "target", float(bad.float().mean())
                below = [other for other, _ in node.next_functions]
                maker = next((other for other in below if other is not None and not hasattr(other, "variable")), None)
                raw = "input" if maker is None or operation(maker) == "T" else _plain(maker)
                return own if name == "_saved_result" else raw, float(bad.float().mean())
            # These give infinity without keeping it.
            outside = kept <= 0 if own in _LOGARITHMS else kept == 0
            infinite = own in _LOGARITHMS or (own, name) == ("div", "_saved_other")
            if (infinite or (of_gradient and own == "sqrt")) and outside.any():
                return own, float(outside.float().mean())
    return None


def _plain(node: Any) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", operation(node)).lower()
