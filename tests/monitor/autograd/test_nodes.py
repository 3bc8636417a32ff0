from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from trainwell.monitor.autograd.nodes import below, first_operation, leaf, nodes, operation, operation_words, parameters

LAYER = nn.Linear(4, 3)


def _loss() -> torch.Tensor:
    return F.cross_entropy(LAYER(torch.ones(2, 4)).view(2, 3), torch.tensor([0, 1]))


def test_names_of_operations() -> None:
    assert operation(None) == ""
    assert operation(_loss().grad_fn) == "NllLoss"
    assert operation_words(_loss().grad_fn.next_functions[0][0]) == "log softmax"


def test_the_walk_yields_operations_and_no_leaves() -> None:
    found = [operation(node) for node in nodes(_loss().grad_fn)]
    assert found == ["NllLoss", "LogSoftmax", "View", "Addmm", "T"]


def test_parameters_are_found_also_transposed() -> None:
    addmm = next(node for node in nodes(_loss().grad_fn) if operation(node) == "Addmm")
    assert {id(p) for p in parameters(addmm)} == {id(LAYER.weight), id(LAYER.bias)}


def test_a_leaf_is_told_from_an_operation() -> None:
    addmm = next(node for node in nodes(_loss().grad_fn) if operation(node) == "Addmm")
    assert leaf(addmm) is None and leaf(None) is None
    assert leaf(addmm.next_functions[0][0]) is LAYER.bias
    assert operation(first_operation(addmm)) == "T"


def test_what_lies_below_is_found_through_reshaping() -> None:
    log_softmax = _loss().grad_fn.next_functions[0][0]
    assert operation(below(log_softmax)) == "Addmm"
    assert operation(below(log_softmax, frozenset())) == "View"
    assert below(below(log_softmax), {"T"}) is not None
