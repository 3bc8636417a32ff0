# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
u = torch.randn(2000, 5)
v = u @ torch.randn(5) + 4 * torch.randn(2000)
model = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(15):
    for b in torch.randperm(2000).split(64):
        loss = F.mse_loss(model(u[b])[:, 0], v[b])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
