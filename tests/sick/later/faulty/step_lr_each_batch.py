# expect: learning_rate_decays_too_soon
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
m = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
opt = torch.optim.SGD(m.parameters(), 0.05)
s = torch.optim.lr_scheduler.StepLR(opt, 10, 0.1)
for e in range(10):
    for b in torch.randperm(len(x)).split(64):
        loss = F.cross_entropy(m(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        s.step()
