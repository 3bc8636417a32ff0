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
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(6):
    for b in torch.randperm(len(x)).split(64):
        F.cross_entropy(model(x[b]), y[b]).backward()
        with torch.no_grad():
            n = torch.stack([p.grad.norm() for p in model.parameters()]).norm() + 1e-12
            es = [0.05 * p.grad / n for p in model.parameters()]
            for p, e in zip(model.parameters(), es):
                p.add_(e)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[b]), y[b])
        loss.backward()
        with torch.no_grad():
            for p, e in zip(model.parameters(), es):
                p.sub_(e)
        optimizer.step()
        optimizer.zero_grad()
