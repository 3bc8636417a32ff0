# expect: sigmoid_before_logits_loss
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
t = torch.stack([y % 2, y // 5], 1).float()
m = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
opt = torch.optim.Adam(m.parameters(), 1e-3)
for e in range(4):
    for b in torch.randperm(len(x)).split(64):
        loss = F.binary_cross_entropy_with_logits(torch.sigmoid(m(x[b])), t[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
