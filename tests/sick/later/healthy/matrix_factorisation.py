# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
users, items = torch.randint(0, 50, (4000,)), torch.randint(0, 40, (4000,))
r = (torch.randn(50, 4)[users] * torch.randn(40, 4)[items]).sum(1)


class MF(nn.Module):
    def __init__(self):
        super().__init__()
        self.u, self.i = nn.Embedding(50, 8), nn.Embedding(40, 8)

    def forward(self, a, b):
        return (self.u(a) * self.i(b)).sum(1)


model = MF()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(8):
    for b in torch.randperm(4000).split(128):
        optimizer.zero_grad()
        loss = F.mse_loss(model(users[b], items[b]), r[b])
        loss.backward()
        optimizer.step()
