# expect: targets_outside_output_range
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
m = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 1), nn.Tanh())
opt = torch.optim.Adam(m.parameters(), 1e-3)
for e in range(3):
    for b in torch.randperm(1792).split(64):
        loss = F.mse_loss(m(x[b]).flatten(), y[b].float())
        opt.zero_grad()
        loss.backward()
        opt.step()
