# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
body = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.ReLU())
pre = nn.Sequential(body, nn.Linear(64, 10))
optimizer = torch.optim.Adam(pre.parameters(), lr=2e-3)
for epoch in range(4):
    for b in torch.randperm(900).split(64):
        optimizer.zero_grad()
        F.cross_entropy(pre(x[b]), y[b]).backward()
        optimizer.step()
model = nn.Sequential(body, nn.Linear(64, 2))
body.requires_grad_(False)
model.eval()
optimizer = torch.optim.Adam(model[1].parameters(), lr=3e-3)
for epoch in range(6):
    for b in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(x[b]), y[b] % 2).backward()
        optimizer.step()
