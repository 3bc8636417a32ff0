"""Recurrent networks for sequences and positions (docs/curriculum.md, A14, H3)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.layers.recurrent import CELLS, Recurrent
from trainwell.nn.zoo.recurrent import recurrent_network


@pytest.mark.parametrize("pool", ["last", "mean", "max", None])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_no_output(pool: str | None, bidirectional: bool) -> None:
    torch.manual_seed(0)
    body = Recurrent(5, 6, layers=2, bidirectional=bidirectional)
    net = recurrent_network(body, vocabulary=20, outputs=3, embedding=5, pool=pool)
    tokens = torch.randint(4, 20, (2, 7))
    mask = torch.arange(7) < torch.tensor([4, 7])[:, None]
    padded, alone = net(tokens, mask), net(tokens[:1, :4])
    assert torch.allclose(padded[:1] if pool else padded[:1, :4], alone, atol=1e-6)


@pytest.mark.parametrize("cell", list(CELLS))
def test_each_cell_has_its_published_number_of_parameters(cell: str) -> None:
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[cell]
    net = recurrent_network(Recurrent(3, 5, cell=cell), outputs=2)
    assert sum(p.numel() for p in net.body.parameters()) == gates * (5 * (3 + 5) + 2 * 5)


def test_the_state_goes_on_where_a_chunk_ended() -> None:
    torch.manual_seed(1)
    net = recurrent_network(Recurrent(6, 6), vocabulary=20, outputs=20, embedding=6, pool=None, tie=True)
    assert net.head.weight is net.embedding.weight
    tokens = torch.randint(20, (2, 8))
    first, state = net.read(tokens[:, :5])
    second, _ = net.read(tokens[:, 5:], state=state)
    assert torch.allclose(torch.cat([first, second], dim=1), net(tokens), atol=1e-6)


def test_weights_that_cannot_be_tied_are_refused() -> None:
    with pytest.raises(ValueError, match="hidden 8, embedding 4"):
        recurrent_network(Recurrent(4, 8), vocabulary=9, outputs=9, embedding=4, tie=True)
