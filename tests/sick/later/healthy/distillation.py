# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
teacher = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
o = torch.optim.Adam(teacher.parameters(), 2e-3)
for epoch in range(4):
    for b in torch.randperm(len(x)).split(64):
        o.zero_grad()
        F.cross_entropy(teacher(x[b]), y[b]).backward()
        o.step()
teacher.eval()
model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def cost(b):
    with torch.no_grad():
        t = teacher(x[b])
    return F.kl_div(F.log_softmax(model(x[b]) / 2, 1), F.softmax(t / 2, 1), reduction="batchmean") * 4


optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(8):
    for batch in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        loss = cost(batch)
        loss.backward()
        optimizer.step()
