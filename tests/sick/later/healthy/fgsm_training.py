# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(6):
    for b in torch.randperm(len(x)).split(64):
        a = x[b].clone().requires_grad_()
        model.eval()
        F.cross_entropy(model(a), y[b]).backward()
        model.train()
        a = (a + 0.05 * a.grad.sign()).detach()
        optimizer.zero_grad()
        loss = F.cross_entropy(model(a), y[b])
        loss.backward()
        optimizer.step()
