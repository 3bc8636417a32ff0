# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
model = nn.Sequential(nn.Linear(65, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 64))


def cost(a):
    t = torch.rand(len(a), 1)
    e = torch.randn_like(a)
    noisy = (1 - t) * (a * 2 - 1) + t * e
    return F.mse_loss(model(torch.cat([noisy, t], 1)), e - (a * 2 - 1))


optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for batch in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = cost(x[batch])
        loss.backward()
        optimizer.step()
