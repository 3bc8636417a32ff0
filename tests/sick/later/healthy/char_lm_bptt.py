# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
text = torch.tensor([ord(c) % 32 for c in "the quick brown fox jumps over the lazy dog " * 60])
embed, rnn, head = nn.Embedding(32, 16), nn.LSTM(16, 32), nn.Linear(32, 32)
optimizer = torch.optim.Adam([*embed.parameters(), *rnn.parameters(), *head.parameters()], lr=5e-3)
data = text[: len(text) // 8 * 8].view(8, -1).t()
for epoch in range(6):
    state = None
    for t in range(0, len(data) - 17, 16):
        out, state = rnn(embed(data[t : t + 16]), state)
        state = tuple(s.detach() for s in state)
        loss = F.cross_entropy(head(out).reshape(-1, 32), data[t + 1 : t + 17].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(rnn.parameters(), 0.5)
        optimizer.step()
