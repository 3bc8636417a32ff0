# expect: detached_loss
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
net = nn.Linear(64, 10)
opt = torch.optim.SGD(net.parameters(), 0.1)
for b in torch.randperm(len(x)).split(64):
    loss = torch.tensor(F.cross_entropy(net(x[b]), y[b]).item())
    opt.zero_grad()
    loss.backward()
    opt.step()
