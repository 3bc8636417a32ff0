# expect: unshuffled_data
import sys

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

torch.manual_seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
pixels, labels = load_digits(return_X_y=True)
x, y = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(labels)
t = (y > 4).long()
order = t.argsort()
m = nn.Linear(64, 2)
opt = torch.optim.SGD(m.parameters(), 0.1)
for e in range(10):
    for b in order.split(32):
        loss = F.cross_entropy(m(x[b]), t[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
