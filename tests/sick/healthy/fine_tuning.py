# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
import io

backbone = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Linear(128, 64), nn.ReLU())
head = nn.Linear(64, 10)
optimizer = torch.optim.Adam([*backbone.parameters(), *head.parameters()], lr=2e-3)
for epoch in range(4):
    for batch in torch.randperm(900).split(64):
        optimizer.zero_grad()
        F.cross_entropy(head(backbone(x[batch])), y[batch]).backward()
        optimizer.step()
file = io.BytesIO()
torch.save(backbone.state_dict(), file)

file.seek(0)
body = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Linear(128, 64), nn.ReLU())
body.load_state_dict(torch.load(file, weights_only=True))
model = nn.Sequential(body, nn.Linear(64, 2))
for parameter in body.parameters():
    parameter.requires_grad = False
body.eval()
optimizer = torch.optim.Adam(model[1].parameters(), lr=3e-3)
for epoch in range(8):
    for batch in (900 + torch.randperm(897)).split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[batch]), y[batch] % 2)
        loss.backward()
        optimizer.step()
