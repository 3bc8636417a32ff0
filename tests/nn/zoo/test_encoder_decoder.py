"""One sequence is read, another is written (docs/curriculum.md, A16)."""

from __future__ import annotations

import pytest
import torch

from trainwell.nn.zoo.encoder_decoder import ATTENTIONS, EncoderDecoder


@pytest.mark.parametrize("attention", list(ATTENTIONS))
def test_step_by_step_equals_teacher_forcing(attention: str) -> None:
    torch.manual_seed(0)
    net = EncoderDecoder(vocabulary=20, outputs=15, embedding=6, hidden=8, attention=attention).eval()
    tokens, previous = torch.randint(4, 20, (2, 5)), torch.randint(4, 15, (2, 4))
    mask = torch.arange(5) < torch.tensor([3, 5])[:, None]
    whole = net(tokens, mask, previous=previous)
    memory = net.read(tokens, mask=mask)
    state = memory.start
    for place in range(4):
        logits, state, weights = net.write(previous[:, place : place + 1], memory=memory, state=state)
        assert torch.allclose(logits[:, 0], whole[:, place], atol=1e-6)
        if attention != "none":
            assert torch.allclose(weights.sum(dim=2), torch.ones(2, 1), atol=1e-6)
            assert not weights[0, :, 3:].any()


@pytest.mark.parametrize("attention", list(ATTENTIONS))
def test_padding_changes_no_output(attention: str) -> None:
    torch.manual_seed(1)
    net = EncoderDecoder(vocabulary=20, outputs=15, embedding=6, hidden=8, attention=attention).eval()
    tokens, previous = torch.randint(4, 20, (2, 7)), torch.randint(4, 15, (2, 4))
    mask = torch.arange(7) < torch.tensor([3, 7])[:, None]
    padded = net(tokens, mask, previous=previous)
    assert torch.allclose(padded[:1], net(tokens[:1, :3], previous=previous[:1]), atol=1e-6)


def test_a_repeated_memory_writes_every_example_alike() -> None:
    torch.manual_seed(2)
    net = EncoderDecoder(vocabulary=20, outputs=15, embedding=6, hidden=8).eval()
    memory = net.read(torch.randint(4, 20, (2, 5))).repeated(3)
    logits, _, _ = net.write(torch.full((6, 1), 2), memory=memory, state=memory.start)
    assert torch.equal(logits[0], logits[2]) and not torch.equal(logits[0], logits[3])


def test_gradients_reach_every_parameter() -> None:
    net = EncoderDecoder(vocabulary=20, outputs=15, embedding=6, hidden=8)
    net(torch.randint(4, 20, (2, 5)), previous=torch.randint(4, 15, (2, 4))).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
