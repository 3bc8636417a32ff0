"""Recurrent layers obey the gate equations, and padding changes nothing (docs/curriculum.md, H3, A14)."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainwell.nn.layers.recurrent import CELLS, LockedDropout, Recurrent, gru_step, lstm_step, rnn_step


@pytest.mark.parametrize(("cell", "step"), [(nn.RNN, rnn_step), (nn.GRU, gru_step)])
def test_the_kernel_equals_its_equations(cell: type[nn.RNNBase], step) -> None:
    torch.manual_seed(0)
    layer, x, hidden = cell(3, 5, batch_first=True), torch.randn(4, 6, 3), torch.zeros(4, 5)
    outputs, _ = layer(x)
    for position in range(6):
        hidden = step(x[:, position], hidden, cell=layer)
        assert torch.allclose(hidden, outputs[:, position], atol=1e-6)


def test_the_lstm_equals_its_gate_equations() -> None:
    torch.manual_seed(0)
    layer, x = nn.LSTM(3, 5, batch_first=True), torch.randn(4, 6, 3)
    outputs, (_, memory) = layer(x)
    hidden = cell = torch.zeros(4, 5)
    for position in range(6):
        hidden, cell = lstm_step(x[:, position], hidden, memory=cell, cell=layer)
        assert torch.allclose(hidden, outputs[:, position], atol=1e-6)
    assert torch.allclose(cell, memory[0], atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", list(CELLS))
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=4), more=st.integers(0, 4), seed=st.integers(0, 99))
def test_padding_changes_nothing(cell: str, bidirectional: bool, lengths: list[int], more: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer = Recurrent(3, 4, cell=cell, layers=2, bidirectional=bidirectional)
    longest = max(lengths) + more
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    x = torch.randn(len(lengths), longest, 3)
    outputs, ends, _ = layer(x, mask=mask)
    for row, length in enumerate(lengths):
        alone, end, _ = layer(x[row : row + 1, :length])
        assert torch.allclose(outputs[row, :length], alone[0], atol=1e-5)
        assert torch.allclose(ends[row], end[0], atol=1e-5)
        assert not outputs[row, length:].any()


@pytest.mark.parametrize("cell", list(CELLS))
def test_chunks_with_the_state_carried_over_equal_the_whole(cell: str) -> None:
    torch.manual_seed(1)
    layer, x = Recurrent(3, 4, cell=cell, layers=2), torch.randn(2, 9, 3)
    whole, end, _ = layer(x)
    first, _, state = layer(x[:, :4])
    second, last, _ = layer(x[:, 4:], state=state)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-6)
    assert torch.allclose(last, end, atol=1e-6)


def test_no_gradient_comes_back_from_padding() -> None:
    layer = Recurrent(2, 3, bidirectional=True)
    x = torch.randn(2, 5, 2, requires_grad=True)
    mask = torch.arange(5) < torch.tensor([2, 5])[:, None]
    outputs, ends, _ = layer(x, mask=mask)
    (outputs.sum() + ends.sum()).backward()
    assert not x.grad[0, 2:].any() and x.grad[0, :2].all()


def test_locked_dropout_drops_the_same_features_at_every_position_and_keeps_the_expectation() -> None:
    torch.manual_seed(0)
    layer = LockedDropout(0.25)
    out = layer(torch.ones(4000, 3, 5))
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert abs(out.mean().item() - 1) < 0.02  # deviation of the mean: sqrt(1/3 / 20,000) = 0.004
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
