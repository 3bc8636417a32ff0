from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from trainwell.monitor.code.exceptions import error_line, error_message, error_signals


def _twice() -> None:
    loss = torch.ones(2, requires_grad=True).exp().sum()
    loss.backward()
    loss.backward()


def _in_place() -> None:
    hidden = torch.ones(2, requires_grad=True).sigmoid()
    hidden += 1
    hidden.sum().backward()


RAISES: dict[str, Callable[[], object]] = {
    "no_gradient": lambda: torch.ones(1).sum().backward(),
    "freed_graph": _twice,
    "overwritten": _in_place,
    "outside_unit_interval": lambda: F.binary_cross_entropy(torch.full((2,), 1.5), torch.zeros(2)),
    "label_out_of_range": lambda: F.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 7])),
    "label_type": lambda: F.cross_entropy(torch.zeros(2, 3), torch.zeros(2)),
}


@pytest.mark.parametrize("name", RAISES)
def test_what_torch_says_is_understood(name: str) -> None:
    with pytest.raises((RuntimeError, IndexError)) as caught:
        RAISES[name]()
    assert set(error_signals(caught.value)) == {name}


def test_the_label_is_kept() -> None:
    assert error_signals(IndexError("Target -3 is out of bounds.")) == {"label_out_of_range": -3.0}


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_other_errors_say_nothing() -> None:
    assert error_signals(ValueError("no")) == error_signals(Mute()) == {}
    assert error_message(Mute()) == "<exception str() failed>"


def test_the_line_is_the_innermost_of_the_user() -> None:
    with pytest.raises(RuntimeError) as caught:
        RAISES["no_gradient"]()
    line = error_line(caught.value)
    assert line is not None
    assert line.partition(":")[0].endswith("test_exceptions.py")
    assert error_line(ValueError()) is None
