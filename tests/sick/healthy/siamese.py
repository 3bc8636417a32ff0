# healthy
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
embed = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 16))
optimizer = torch.optim.Adam(embed.parameters(), lr=1e-3)
for epoch in range(8):
    for batch in torch.randperm(len(x)).split(64):
        code = F.normalize(embed(x[batch] + 0.1 * torch.randn(len(batch), 64)))
        other = F.normalize(embed(x[batch] + 0.1 * torch.randn(len(batch), 64)))
        loss = F.cross_entropy(code @ other.T / 0.1, torch.arange(len(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
