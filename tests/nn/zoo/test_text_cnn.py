"""The convolutional network for sentences (Kim 2014)."""

from __future__ import annotations

import torch

from trainwell.nn.zoo.text_cnn import TextCNN


def test_padding_changes_no_output_and_short_sentences_are_read() -> None:
    torch.manual_seed(0)
    net = TextCNN(vocabulary=20, outputs=3, embedding=5, channels=4).eval()
    tokens = torch.randint(4, 20, (2, 9))
    mask = torch.arange(9) < torch.tensor([2, 9])[:, None]
    assert torch.allclose(net(tokens, mask)[:1], net(tokens[:1, :2]), atol=1e-6)


def test_its_size_is_that_of_the_paper() -> None:
    net = TextCNN(vocabulary=1000, outputs=2, embedding=300)
    filters = sum(width * 300 * 100 + 100 for width in (3, 4, 5))
    assert sum(p.numel() for p in net.parameters()) == 1000 * 300 + filters + 300 * 2 + 2
