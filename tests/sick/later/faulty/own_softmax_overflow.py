# expect: nonfinite_operation
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
m = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
opt = torch.optim.SGD(m.parameters(), 0.1)
for e in range(6):
    for b in torch.randperm(len(x)).split(32):
        o = torch.exp(m(x[b] * 500))
        p = o / o.sum(1, keepdim=True)
        loss = -torch.log(p[torch.arange(len(b)), y[b]] + 1e-9).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
