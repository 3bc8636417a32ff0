# expect: learning_rate_too_high
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
m = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
opt = torch.optim.Adam(m.parameters(), 3.0)
for e in range(8):
    for b in torch.randperm(len(x)).split(32):
        loss = F.cross_entropy(m(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
